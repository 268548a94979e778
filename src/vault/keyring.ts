import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { Random } from '../runtime/random.ts';
import { VaultKey, vaultKeyBytes, vaultKeyIdPattern } from './vault-key.ts';

/** The keys a database is sealed with. Immutable; printing it shows key ids only. */
export interface Keyring {
  /** New values are sealed under this key. */
  readonly primary: VaultKey;
  /** The primary key and every reader, in the order of `KEYSHIFT_KEYS`. */
  readonly keys: readonly VaultKey[];
  /** The key of that id, for opening. */
  find(id: string): VaultKey | undefined;
}

/** One `id:base64` entry; the bytes are the key itself, or the key as wrapped by a KMS. */
export interface KeyringEntry {
  readonly id: string;
  readonly bytes: Uint8Array;
}

/**
 * Reads `KEYSHIFT_KEYS`: `id:base64` entries separated by commas, each key 32 bytes. The first is
 * the primary key, the others only open what was sealed under them. Throws `config_invalid`, which
 * names the entry by its position and never shows key material.
 *
 * @example
 * ```ts
 * const keyring = parseKeyring('2026-11:q83v…=,2026-05:EjRW…=');
 * keyring.primary.id; // "2026-11"
 * ```
 */
export function parseKeyring(text: string): Keyring {
  return createKeyring(parseKeyringEntries(text));
}

/** Reads the entries without looking at the length of the keys, which a KMS may have wrapped. */
export function parseKeyringEntries(text: string): KeyringEntry[] {
  const parts = text.split(',').map((part) => part.trim());
  if (parts.every((part) => part === '')) throw invalid('is empty');
  const entries = parts.map((part, index) => parseEntry(part, `entry ${index + 1}`));
  const seen = new Set<string>();
  for (const { id } of entries) {
    if (seen.has(id)) throw invalid(`names the key id "${id}" twice`);
    seen.add(id);
  }
  return entries;
}

/** Makes a keyring of unwrapped entries; the first is the primary key. Throws `config_invalid`. */
export function createKeyring(entries: readonly KeyringEntry[]): Keyring {
  const keys = entries.map(({ id, bytes }, index) => {
    if (bytes.byteLength !== vaultKeyBytes) {
      throw invalid(
        `entry ${index + 1}: the key is ${bytes.byteLength} bytes long, not ${vaultKeyBytes}`,
      );
    }
    return new VaultKey(id, bytes);
  });
  const [primary] = keys;
  if (!primary) throw invalid('is empty');
  const byId = new Map(keys.map((key) => [key.id, key]));
  return Object.freeze({ primary, keys: Object.freeze(keys), find: (id: string) => byId.get(id) });
}

/**
 * A fresh `id:base64` entry for `KEYSHIFT_KEYS`. The text holds the key: print it only for its
 * owner. The id is random, so that two generated keys never share one.
 */
export function generateKeyringEntry(random: Random): string {
  return `k${random.bytes(4).toString('hex')}:${random.bytes(vaultKeyBytes).toString('base64')}`;
}

function parseEntry(part: string, name: string): KeyringEntry {
  const colon = part.indexOf(':');
  if (part === '') throw invalid(`${name} is empty`);
  if (colon === -1) throw invalid(`${name} has no colon; an entry is id:base64`);
  const id = part.slice(0, colon);
  if (!vaultKeyIdPattern.test(id)) {
    throw invalid(`${name}: the id before the colon must be 1 to 32 of A-Z a-z 0-9 _ -`);
  }
  const encoded = part.slice(colon + 1);
  const bytes = Buffer.from(encoded, 'base64');
  const canonical = bytes.toString('base64');
  if (encoded === '' || (encoded !== canonical && encoded !== canonical.replace(/=+$/, ''))) {
    throw invalid(`${name}: the key after the colon is not base64`);
  }
  return { id, bytes };
}

function invalid(what: string): KeyshiftError<'config_invalid'> {
  return new KeyshiftError('config_invalid', `KEYSHIFT_KEYS ${what}.`, {
    fix: `Set KEYSHIFT_KEYS to id:base64, each key ${vaultKeyBytes} random bytes in base64, several separated by commas, the first for sealing.`,
  });
}
