import { cleanText } from './clean-text.ts';
import { speak, type PageLanguage } from './language.ts';

/** Where customers get help: an email address, or the address of a page. */
export function Contact({
  contact,
  language,
}: {
  readonly contact: string;
  readonly language?: PageLanguage | undefined;
}) {
  const say = speak(language);
  const href = contact.includes('://') ? contact : `mailto:${contact}`;
  return (
    <p class="muted small">
      {say('Questions?', 'Fragen?')} <a href={href}>{cleanText(contact, 200)}</a>
    </p>
  );
}
