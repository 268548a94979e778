import { Readable } from 'node:stream';
import type SMTPConnection from 'nodemailer/lib/smtp-connection';
import type { Clock } from '../../runtime/clock.ts';
import type { ComposedMail } from './compose-mail.ts';
import type { SendResult, Transport } from './send-result.ts';
import type { SmtpSettings } from './settings.ts';

const connectMs = 15_000;
/** Longest silence of a server that is asked something; the lease of a message is longer. */
export const smtpDeadlineMs = 60_000;

/** How long a server may take to say goodbye. */
const farewellMs = 2_000;

/** The parts of nodemailer's errors that a decision hangs on. */
interface SmtpFailure extends Error {
  readonly code?: string;
  readonly command?: string;
  readonly responseCode?: number;
  readonly response?: string;
}

/**
 * One connection to the mail server, kept for many mails. nodemailer's own pool sends a mail again
 * when its connection breaks, also when the server may have taken it; here that mail is
 * `uncertain`, and a person decides.
 */
export function createSmtpTransport(settings: SmtpSettings, clock: Clock): Transport<ComposedMail> {
  let connection: SMTPConnection | undefined;

  async function connect(): Promise<SMTPConnection> {
    // Loaded with the first mail: most processes send none.
    const { default: Connection } = await import('nodemailer/lib/smtp-connection');
    const fresh: SMTPConnection = new Connection({
      host: settings.host,
      port: settings.port,
      secure: settings.secure,
      requireTLS: settings.requireTls,
      connectionTimeout: connectMs,
      greetingTimeout: connectMs,
      dnsTimeout: connectMs,
      socketTimeout: smtpDeadlineMs,
      logger: false,
    });
    const drop = () => {
      if (connection === fresh) connection = undefined;
    };
    fresh.once('end', drop);
    try {
      await new Promise<void>((resolve, reject) => {
        fresh.once('error', reject);
        fresh.connect((error) => (error ? reject(error) : resolve()));
      });
      await login(fresh, settings);
    } catch (error) {
      fresh.on('error', () => undefined);
      fresh.close();
      throw error;
    }
    // What breaks later is told to the mail under way, or found by the next one.
    fresh.on('error', drop);
    connection = fresh;
    return fresh;
  }

  const connected = () => (connection ? Promise.resolve(connection) : connect());

  async function ready(): Promise<SendResult | undefined> {
    if (connection && !connection.destroyed) return undefined;
    try {
      await connect();
      return undefined;
    } catch (error) {
      return { kind: 'unavailable', detail: describeFailure(error as SmtpFailure) };
    }
  }

  return {
    ready,
    async send(mail) {
      const unavailable = await ready();
      if (unavailable) return unavailable;
      const used = await connected();
      const first = await sendOnce(used, mail);
      // A server ends an idle connection, or one that sent its share: the next one will do.
      if (first.kind !== 'transient' || !used.destroyed) return first;
      return (await ready()) ?? sendOnce(await connected(), mail);
    },
    async close() {
      const last = connection;
      connection = undefined;
      if (!last || last.destroyed) return;
      await new Promise<void>((resolve) => {
        const timer = clock.timer(farewellMs, () => {
          last.close();
          resolve();
        });
        last.once('end', () => {
          timer.cancel();
          resolve();
        });
        last.quit();
      });
    },
  };
}

function login(connection: SMTPConnection, { user, password }: SmtpSettings): Promise<void> {
  if (user === undefined || !password) return Promise.resolve();
  return new Promise((resolve, reject) => {
    connection.login({ user, pass: password.reveal() }, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

function sendOnce(connection: SMTPConnection, mail: ComposedMail): Promise<SendResult> {
  return new Promise((resolve) => {
    let begun = false;
    // Read only once the server has said that it waits for the message.
    const message = new Readable({
      read() {
        begun = true;
        this.push(mail.bytes);
        this.push(null);
      },
    });
    connection.send({ from: mail.from, to: [mail.to] }, message, (error, info) => {
      if (error) resolve(readFailure(error as SmtpFailure, begun));
      else resolve({ kind: 'accepted', detail: info.response });
    });
  });
}

/** What a failed sending means for the mail; one table, so that nothing is guessed elsewhere. */
function readFailure(error: SmtpFailure, begun: boolean): SendResult {
  const { responseCode, command } = error;
  const detail = describeFailure(error);
  if (responseCode === undefined) {
    return begun ? { kind: 'uncertain', detail } : { kind: 'transient', detail };
  }
  if (responseCode < 500) return { kind: 'transient', detail };
  // The server takes no mail from this sender, whoever it is for.
  if (command === 'MAIL FROM' || command === 'CONN' || responseCode === 530) {
    return { kind: 'unavailable', detail };
  }
  return { kind: 'refused', detail };
}

function describeFailure({ response, message, code }: SmtpFailure): string {
  const text = response === undefined || response === '' ? message : response;
  return text.replaceAll(/\s+/g, ' ').trim() || (code ?? 'no answer');
}
