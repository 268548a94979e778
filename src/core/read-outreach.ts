import { KeyshiftError } from '../errors/keyshift-error.ts';
import { isEmailAddress } from '../model/customer.ts';
import type {
  MailSender,
  OutreachSettings,
  SmtpSettings,
  WebhookSettings,
} from '../migration/outreach/settings.ts';
import { isLoopback } from '../runtime/loopback.ts';
import { Secret } from '../runtime/secret.ts';
import type { Mode } from './config.ts';
import type { EnvironmentReader } from './environment-reader.ts';

const smtpForm = 'write it as smtp://user:password@mail.example.com:587, or smtps:// for port 465';

/** Reads how customers are written to: `SMTP_URL`, `MAIL_FROM`, `WEBHOOK_URL`, `WEBHOOK_SECRET`. */
export function readOutreach(read: EnvironmentReader, mode: Mode): OutreachSettings {
  return { smtp: readSmtp(read, mode), sender: readSender(read), webhook: readWebhook(read, mode) };
}

/** The value may hold a password, so that no error repeats any of it. */
function readSmtp(read: EnvironmentReader, mode: Mode): SmtpSettings | undefined {
  const value = read.text('SMTP_URL');
  if (value === undefined) return undefined;
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (!url || !/^smtps?:$/.test(url.protocol) || url.hostname === '') {
    throw read.wrong('SMTP_URL', 'is not the address of a mail server', smtpForm);
  }
  if (!/^\/?$/.test(url.pathname)) throw read.wrong('SMTP_URL', 'has a path', smtpForm);
  const user = decode(read, url.username);
  const password = decode(read, url.password);
  if ((user === '') !== (password === '')) {
    throw read.wrong(
      'SMTP_URL',
      'has a user without a password, or a password without a user',
      smtpForm,
    );
  }
  const known = new Set(['connections', 'rate', 'starttls']);
  const odd = [...url.searchParams.keys()].find((name) => !known.has(name));
  if (odd !== undefined) {
    throw read.wrong('SMTP_URL', `has an unknown option "${odd}"`, `use: ${[...known].join(', ')}`);
  }
  const secure = url.protocol === 'smtps:';
  const hostname = url.hostname.replace(/^\[|\]$/g, '');
  const away = mode === 'production' && !isLoopback(hostname);
  const starttls = url.searchParams.get('starttls') ?? (away ? 'required' : 'auto');
  if (!['auto', 'required'].includes(starttls)) {
    throw read.wrong('SMTP_URL', 'has a starttls other than auto or required', smtpForm);
  }
  return {
    host: hostname,
    port: url.port === '' ? (secure ? 465 : 587) : Number(url.port),
    secure,
    // Mails hold links, which are secrets. A password must not go over the network in clear at all.
    requireTls: !secure && (starttls === 'required' || (away && user !== '')),
    user: user === '' ? undefined : user,
    password: password === '' ? undefined : new Secret('smtp_password', password),
    connections: readNumber(read, url, 'connections', 5, 50),
    ratePerSec: readNumber(read, url, 'rate', 100, 10_000),
  };
}

function decode(read: EnvironmentReader, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw read.wrong('SMTP_URL', 'has a stray % in it', 'percent-encode special characters');
  }
}

function readNumber(
  read: EnvironmentReader,
  url: URL,
  name: string,
  fallback: number,
  max: number,
): number {
  const text = url.searchParams.get(name);
  if (text === null) return fallback;
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= 1 && number <= max) return number;
  throw read.wrong('SMTP_URL', `has an invalid ${name}`, `use a whole number from 1 to ${max}`);
}

function readSender(read: EnvironmentReader): MailSender | undefined {
  const value = read.text('MAIL_FROM');
  if (value === undefined) return undefined;
  const named = /^"?([^"<>]*?)"?\s*<([^<>]+)>$/.exec(value);
  const address = (named?.[2] ?? value).trim();
  if (!isEmailAddress(address) || /\p{C}/u.test(value)) {
    throw read.wrong(
      'MAIL_FROM',
      'is not an email address',
      'write it as Acme Apps <hello@acme.example>, or only the address',
    );
  }
  const replyTo = read.text('MAIL_REPLY_TO');
  if (replyTo !== undefined && !isEmailAddress(replyTo)) {
    throw read.wrong('MAIL_REPLY_TO', 'is not an email address', 'write only the address');
  }
  return {
    name: named?.[1]?.trim() || address,
    address,
    ...(replyTo === undefined ? {} : { replyTo }),
  };
}

function readWebhook(read: EnvironmentReader, mode: Mode): WebhookSettings | undefined {
  const url = read.url('WEBHOOK_URL', mode);
  const secret = read.text('WEBHOOK_SECRET');
  if (secret !== undefined && secret.length < 16) {
    throw read.wrong(
      'WEBHOOK_SECRET',
      'has fewer than 16 characters',
      'generate one with: openssl rand -base64 32',
    );
  }
  if (!url || secret === undefined) return undefined;
  return {
    url: new Secret('webhook_url', url.href),
    secret: new Secret('webhook_secret', secret),
  };
}

/** What is missing for sending by a channel, in the words of an error; thrown before any work. */
export function requireChannel(outreach: OutreachSettings, channel: 'mail' | 'webhook'): void {
  const missing =
    channel === 'webhook'
      ? outreach.webhook
        ? undefined
        : 'WEBHOOK_URL and WEBHOOK_SECRET are not both set'
      : outreach.smtp
        ? outreach.sender
          ? undefined
          : 'MAIL_FROM is not set'
        : 'SMTP_URL is not set';
  if (missing === undefined) return;
  throw new KeyshiftError('config_invalid', `${missing}.`, {
    fix: 'Put it into .env.local; docs/configuration.md shows the format.',
  });
}
