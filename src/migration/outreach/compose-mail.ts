import type { MessageContext } from './message-context.ts';
import { renderMail } from './render-mail.ts';
import type { MailSender } from './settings.ts';

/** A mail as it goes over the wire. */
export interface ComposedMail {
  readonly from: string;
  readonly to: string;
  readonly bytes: Buffer;
}

/**
 * Makes the MIME message. Its `Message-ID` comes from the id of the row, so that a mail that is
 * sent twice is recognised by the receiving side, and by whoever reads its log. `List-Unsubscribe`
 * is RFC 8058: one click, by POST.
 */
export async function composeMail(
  context: MessageContext,
  sender: MailSender,
  nowMs: number,
): Promise<ComposedMail> {
  const to = context.recipient ?? '';
  const { subject, text, html, language } = renderMail(context, sender);
  // Loaded with the first mail: most processes send none.
  const { default: MailComposer } = await import('nodemailer/lib/mail-composer');
  const composer = new MailComposer({
    from: { name: sender.name, address: sender.address },
    to,
    ...(sender.replyTo === undefined ? {} : { replyTo: sender.replyTo }),
    subject,
    text,
    html,
    date: new Date(nowMs),
    messageId: messageIdOf(context.messageId, sender),
    headers: {
      'List-Unsubscribe': `<${context.unsubscribeLink}>`,
      'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
      'Content-Language': language,
      'Auto-Submitted': 'auto-generated',
    },
    // Texts hold names from outside: none of them may name a file or an address to read.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return { from: sender.address, to, bytes: await composer.compile().build() };
}

/** The `Message-ID` of a message: the same each time that it is sent. */
export function messageIdOf(id: string, sender: MailSender): string {
  return `<${id}@${sender.address.slice(sender.address.lastIndexOf('@') + 1)}>`;
}
