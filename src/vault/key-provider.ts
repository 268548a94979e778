import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { Random } from '../runtime/random.ts';
import {
  createKeyring,
  generateKeyringEntry,
  parseKeyringEntries,
  type Keyring,
} from './keyring.ts';

/**
 * Keeps vault keys wrapped outside of this process, in a KMS or an HSM. It is asked once per key
 * at start and when a key is made; sealing and opening values stay local.
 */
export interface KeyProvider {
  /** Encrypts a key of 32 bytes for the configuration. */
  wrap(key: Uint8Array): Promise<Uint8Array>;
  /** Decrypts what {@link KeyProvider.wrap} answered. Rejects when it cannot. */
  unwrap(wrapped: Uint8Array): Promise<Uint8Array>;
}

/** The default provider: keys stand unwrapped in `KEYSHIFT_KEYS`. */
export const localKeyProvider: KeyProvider = {
  wrap: (key) => Promise.resolve(key),
  unwrap: (wrapped) => Promise.resolve(wrapped),
};

/**
 * Reads `KEYSHIFT_KEYS` and unwraps every key through the provider. Throws `config_invalid`, with
 * the provider's error as its cause, naming the entry by its position.
 *
 * @example
 * ```ts
 * const keyring = await loadKeyring(keys, {
 *   wrap: async (key) => (await kms.encrypt({ KeyId, Plaintext: key })).CiphertextBlob,
 *   unwrap: async (wrapped) => (await kms.decrypt({ CiphertextBlob: wrapped })).Plaintext,
 * });
 * ```
 */
export async function loadKeyring(
  text: string,
  provider: KeyProvider = localKeyProvider,
): Promise<Keyring> {
  const entries = parseKeyringEntries(text);
  const unwrapped = await Promise.all(
    entries.map(async ({ id, bytes }, index) => ({
      id,
      bytes: await unwrapEntry(provider, bytes, index + 1),
    })),
  );
  return createKeyring(unwrapped);
}

/** A fresh `id:base64` entry for `KEYSHIFT_KEYS` whose key only the provider can unwrap. */
export async function generateWrappedKeyringEntry(
  random: Random,
  provider: KeyProvider,
): Promise<string> {
  const [entry] = parseKeyringEntries(generateKeyringEntry(random));
  if (!entry) throw new KeyshiftError('internal', 'A generated keyring entry cannot be read.');
  const wrapped = await provider.wrap(entry.bytes);
  return `${entry.id}:${Buffer.from(wrapped).toString('base64')}`;
}

async function unwrapEntry(
  provider: KeyProvider,
  wrapped: Uint8Array,
  position: number,
): Promise<Uint8Array> {
  try {
    return await provider.unwrap(wrapped);
  } catch (cause) {
    throw new KeyshiftError(
      'config_invalid',
      `KEYSHIFT_KEYS entry ${position} could not be unwrapped by the key provider.`,
      {
        cause,
        fix: 'Check that the key provider can be reached and may decrypt with the key that wrapped this entry.',
      },
    );
  }
}
