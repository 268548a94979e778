import { klaviyoApiKeysPage } from '../klaviyo/endpoints.ts';
import type { Connection } from '../model/connection.ts';

/** What a customer is told so that they delete their old key. */
export interface KeyInstructions {
  readonly customerId: string;
  readonly email: string | undefined;
  readonly subject: string;
  readonly text: string;
  /** Klaviyo's page of private keys. */
  readonly link: string;
}

/**
 * Writes to a customer how to delete the key that is no longer needed.
 *
 * @param redactedKey the key as Klaviyo shows it, `pk_****abcd`
 */
export function writeKeyInstructions(connection: Connection, redactedKey: string): KeyInstructions {
  const account = connection.accountName ?? 'your Klaviyo account';
  const text = [
    `Hello${connection.name === undefined ? '' : ` ${connection.name}`},`,
    '',
    `the connection to ${account} works by OAuth now. The private API key that you gave us`,
    `before, ${redactedKey}, is no longer used. Please delete it, so that nobody can use it any more:`,
    '',
    `1. Sign in at Klaviyo as an owner, admin or manager of ${account}.`,
    `2. Open ${klaviyoApiKeysPage}`,
    `3. Among the private keys find the one that ends in ${redactedKey.slice(-4)}, and delete it.`,
    '',
    'Does another program use the same key? Then give that program a key of its own first.',
    'Deleting the key does not end our connection; there is nothing else to do.',
  ].join('\n');
  return {
    customerId: connection.customerId,
    email: connection.email,
    subject: 'Please delete your old Klaviyo API key',
    text,
    link: klaviyoApiKeysPage,
  };
}
