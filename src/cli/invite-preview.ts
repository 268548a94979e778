import { writeFile } from 'node:fs/promises';
import type { KeyshiftConfig } from '../core/config.ts';
import { composeMail } from '../migration/outreach/compose-mail.ts';
import type { MessageContext } from '../migration/outreach/message-context.ts';
import { renderMail } from '../migration/outreach/render-mail.ts';
import type { MailSender } from '../migration/outreach/settings.ts';
import type { MessageKind } from '../model/message.ts';
import type { Terminal } from './terminal.ts';

const dayMs = 86_400_000;
const sampleSender: MailSender = { name: 'Your company', address: 'you@company.example' };

/** A mail to nobody: with it, texts can be read before anybody is written to. */
function sampleContext(
  config: KeyshiftConfig,
  options: { readonly kind: MessageKind; readonly language: string; readonly nowMs: number },
): MessageContext {
  const link = `${config.publicUrl}/connect/the-link-of-the-customer`;
  return {
    messageId: 'preview',
    kind: options.kind,
    recipient: 'ada@acme.example',
    customerId: 'acme',
    customerName: 'Acme Tea',
    email: 'ada@acme.example',
    accountId: 'AbC123',
    accountName: 'Acme Tea Shop',
    labels: { language: options.language },
    wave: undefined,
    link,
    unsubscribeLink: `${link}/unsubscribe/preview`,
    expiresAtMs: options.nowMs + 30 * dayMs,
  };
}

/** Prints a mail as text, or writes it to a file: `.html`, or the whole message as `.eml`. */
export async function previewMail(
  terminal: Terminal,
  config: KeyshiftConfig,
  options: {
    readonly kind: MessageKind;
    readonly language: string;
    readonly nowMs: number;
    readonly file: string | undefined;
  },
): Promise<void> {
  const { contact } = config.company;
  const sender = { ...(config.outreach.sender ?? sampleSender), contact };
  const context = sampleContext(config, options);
  const mail = renderMail(context, sender);
  if (options.file === undefined) {
    terminal.print(`From: ${sender.name} <${sender.address}>`);
    terminal.print(`Subject: ${mail.subject}`);
    terminal.print();
    terminal.print(mail.text);
    return;
  }
  const content = options.file.endsWith('.eml')
    ? (await composeMail(context, sender, options.nowMs)).bytes
    : options.file.endsWith('.html')
      ? mail.html
      : `${mail.subject}\n\n${mail.text}\n`;
  await writeFile(options.file, content);
  terminal.note(`${options.file} written, in the language ${mail.language}; nothing was sent`);
}

/** A banner for the integrator's own application: HTML without script, in its own hands. */
export function bannerSnippet(link: string): string {
  return `<aside role="region" aria-label="Klaviyo connection" style="padding:12px 16px;border:1px solid #0b5a6f;border-radius:6px">
  <p style="margin:0 0 8px"><strong>Please confirm your Klaviyo connection.</strong> It takes about a minute; until then everything works as before.</p>
  <a href="${link}" rel="noreferrer">Confirm the connection</a>
</aside>`;
}
