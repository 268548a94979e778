import { speak, type PageLanguage } from './language.ts';

interface RetryProps {
  /** Where trying again begins; absent when only the reader holds the link. */
  readonly href?: string | undefined;
  readonly language?: PageLanguage | undefined;
  /** After what went wrong by itself, one tries again; else one starts again. */
  readonly again?: 'try' | 'start';
}

/** The way to try again: a button where the address is known, else words. */
export function Retry({ href, language, again = 'try' }: RetryProps) {
  const say = speak(language);
  if (href === undefined) {
    return (
      <p>
        {say(
          'To try again, reopen the link you were sent.',
          'Um es noch einmal zu versuchen, öffnen Sie den Link, den Sie erhalten haben, erneut.',
        )}
      </p>
    );
  }
  return (
    <p>
      <a class="button" href={href}>
        {again === 'try'
          ? say('Try again', 'Noch einmal versuchen')
          : say('Start again', 'Neu beginnen')}
      </a>
    </p>
  );
}
