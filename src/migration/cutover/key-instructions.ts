import { klaviyoApiKeysPage } from '../../klaviyo/endpoints.ts';
import type { Connection } from '../../model/connection.ts';

/** The email that asks a customer to delete the old key. */
export interface KeyInstructions {
  readonly customerId: string;
  readonly email: string | undefined;
  readonly subject: string;
  readonly text: string;
  /** Klaviyo's page of private keys. */
  readonly link: string;
}

/**
 * Explains to a customer how to delete the key that is no longer needed.
 *
 * @param redactedKey the key as Klaviyo shows it, `pk_****abcd`
 */
export function writeKeyInstructions(connection: Connection, redactedKey: string): KeyInstructions {
  // Names are anybody's words: they stay within their line.
  const oneLine = (text: string) => text.replaceAll(/\s+/g, ' ');
  const account = oneLine(connection.accountName ?? 'your Klaviyo account');
  const name = connection.name === undefined ? undefined : oneLine(connection.name);
  const text = [
    `Hello${name === undefined ? '' : ` ${name}`},`,
    '',
    `The connection to ${account} now uses OAuth, so we no longer need the private API key you gave`,
    `us, ${redactedKey}. Please delete it, so that nobody can misuse it:`,
    '',
    `1. Sign in to Klaviyo as an owner, admin or manager of ${account}.`,
    `2. Open ${klaviyoApiKeysPage}`,
    `3. Find the private key that ends in ${redactedKey.slice(-4)}, and delete it.`,
    '',
    'Does another program use the same key? Give it a key of its own first.',
    'Deleting the key does not affect our connection. There is nothing else to do.',
  ].join('\n');
  return {
    customerId: connection.customerId,
    email: connection.email,
    subject: 'Please delete your old Klaviyo API key',
    text,
    link: klaviyoApiKeysPage,
  };
}
