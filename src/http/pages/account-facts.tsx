import { Name } from './name.tsx';

/** A Klaviyo account as a customer recognises it. */
export interface AccountLabel {
  readonly name?: string | undefined;
  /** The account id with characters hidden, for example `Ab••9Z`. */
  readonly maskedId?: string | undefined;
}

/** An account's name and masked id, as far as they are known. */
export function AccountFacts({ account }: { readonly account: AccountLabel }) {
  if (account.name === undefined && account.maskedId === undefined) return <>unknown</>;
  return (
    <>
      {account.name !== undefined && <Name value={account.name} />}{' '}
      {account.maskedId !== undefined && (
        <span class="account-id">
          Account ID <Name value={account.maskedId} />
        </span>
      )}
    </>
  );
}
