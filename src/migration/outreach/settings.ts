import type { Secret } from '../../runtime/secret.ts';

/** The mail server, as `SMTP_URL` says. */
export interface SmtpSettings {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte (`smtps:`); else by STARTTLS where the server offers it. */
  readonly secure: boolean;
  /** Refuses a server that does not offer STARTTLS. */
  readonly requireTls: boolean;
  readonly user: string | undefined;
  readonly password: Secret<'smtp_password'> | undefined;
  /** Connections at the same time. */
  readonly connections: number;
  /** Most mails a second, over all connections. */
  readonly ratePerSec: number;
}

/** Who mails come from, as `MAIL_FROM` says. */
export interface MailSender {
  /** The name that the customers know; the address where there is none. */
  readonly name: string;
  readonly address: string;
  /** Where answers go, as `MAIL_REPLY_TO` says; else to {@link address}. */
  readonly replyTo?: string | undefined;
  /** Where customers get help, as `SUPPORT_CONTACT` says: stands in every mail. */
  readonly contact?: string | undefined;
}

/** Where events are posted to, as `WEBHOOK_URL` and `WEBHOOK_SECRET` say. */
export interface WebhookSettings {
  /** A secret as a whole: its path may hold a token. */
  readonly url: Secret<'webhook_url'>;
  readonly secret: Secret<'webhook_secret'>;
}

/** How customers are written to. Each part is absent where it is not set up. */
export interface OutreachSettings {
  readonly smtp: SmtpSettings | undefined;
  readonly sender: MailSender | undefined;
  readonly webhook: WebhookSettings | undefined;
}
