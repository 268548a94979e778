interface RetryProps {
  /** Where trying again begins; absent when only the reader holds the link. */
  readonly href?: string | undefined;
  readonly label?: string;
}

/** The way to try again: a button where the address is known, else words. */
export function Retry({ href, label = 'Try again' }: RetryProps) {
  if (href === undefined) return <p>To try again, reopen the link you were sent.</p>;
  return (
    <p>
      <a class="button" href={href}>
        {label}
      </a>
    </p>
  );
}
