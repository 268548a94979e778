import { english } from './mail-english.ts';
import { german } from './mail-german.ts';
import type { MailLanguage, MailWords } from './mail-words.ts';
import type { MailSender } from './settings.ts';
import { languageOf, type MessageContext } from './message-context.ts';

/** Languages by the first part of their tag. A new language is one more file next to these and a line here. */
const languages: Readonly<Record<string, MailLanguage>> = { en: english, de: german };

/** The languages that emails can be written in. */
export const mailLanguages: readonly string[] = Object.keys(languages);

/** An email as a person reads it. */
export interface RenderedMail {
  readonly language: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/**
 * Writes the email of a message, in the language of the customer's label `language`, else English.
 * Names come from outside: control characters are dropped, and in HTML they are escaped.
 */
export function renderMail(
  context: MessageContext,
  sender: Pick<MailSender, 'name' | 'contact'>,
): RenderedMail {
  const tag = languageOf(context.labels)?.toLowerCase().split(/[-_]/)[0] ?? '';
  const name = Object.hasOwn(languages, tag) ? tag : 'en';
  const language = languages[name] ?? english;
  const lastDay = new Intl.DateTimeFormat(language.locale, {
    dateStyle: 'long',
    timeZone: 'UTC',
  }).format(context.expiresAtMs);
  const words = language.write(context.kind, {
    sender: clean(sender.name),
    contact: sender.contact,
    customer: context.customerName === undefined ? undefined : cleanName(context.customerName),
    account: describeAccount(context),
    lastDay,
  });
  return {
    language: name,
    subject: words.subject.slice(0, 200),
    text: toText(words, context),
    html: toHtml(words, context, language.locale),
  };
}

function describeAccount({ accountId, accountName }: MessageContext): string | undefined {
  if (accountId === undefined) return undefined;
  return accountName === undefined ? accountId : `${cleanName(accountName)} (${accountId})`;
}

/** One line without control characters and without the marks that turn the direction of a text. */
function clean(text: string): string {
  return text
    .replaceAll(/\p{C}+/gu, ' ')
    .trim()
    .slice(0, 100);
}

/**
 * A name that the account's owner chooses freely. Email programs make links of what looks like an
 * address; an invisible joiner keeps a name what it is.
 */
function cleanName(text: string): string {
  return clean(text).replaceAll(/[.:@](?=[\p{L}\p{N}/])/gu, '$&\u2060');
}

function toText(words: MailWords, { link, unsubscribeLink }: MessageContext): string {
  return [
    words.greeting,
    ...words.before,
    `${words.button}:\n${link}`,
    ...words.after,
    `-- \n${words.unsubscribe}:\n${unsubscribeLink}`,
  ].join('\n\n');
}

function toHtml(
  words: MailWords,
  { link, unsubscribeLink }: MessageContext,
  locale: string,
): string {
  const paragraph = (text: string) => `<p style="margin:0 0 16px">${escape(text)}</p>`;
  const font = 'font-family:system-ui,-apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif';
  return [
    `<!doctype html><html lang="${locale.slice(0, 2)}"><head><meta charset="utf-8">`,
    `<meta name="viewport" content="width=device-width"><title>${escape(words.subject)}</title></head>`,
    `<body style="margin:0;padding:24px;background:#f5f6f7;color:#1c2b33;${font};font-size:16px;line-height:1.5">`,
    '<div style="max-width:560px;margin:0 auto;padding:32px;background:#ffffff;border-radius:8px">',
    paragraph(words.greeting),
    ...words.before.map(paragraph),
    `<p style="margin:24px 0"><a href="${escape(link)}" style="display:inline-block;padding:12px 24px;background:#0b5a6f;color:#ffffff;text-decoration:none;border-radius:6px;font-weight:600">${escape(words.button)}</a></p>`,
    `<p style="margin:0 0 16px;font-size:14px;word-break:break-all">${escape(link)}</p>`,
    ...words.after.map(paragraph),
    `<p style="margin:24px 0 0;font-size:13px;color:#53626b"><a href="${escape(unsubscribeLink)}" style="color:#53626b">${escape(words.unsubscribe)}</a></p>`,
    '</div></body></html>',
  ].join('\n');
}

function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
