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

/**
 * Reads `KEYSHIFT_KEYS`: `id:base64` entries separated by commas, each key 32 bytes. The first is
 * the primary key, the others only open what was sealed under them.
 *
 * @throws KeyshiftError `config_invalid`, which names the entry by its position and never shows key
 * material
 * @example
 * ```ts
 * const keyring = parseKeyring('2026-11:q83v…=,2026-05:EjRW…=');
 * keyring.primary.id; // "2026-11"
 * ```
 */
export function parseKeyring(text: string): Keyring {
  const parts = text.split(',').map((part) => part.trim());
  if (parts.every((part) => part === '')) throw invalid('is empty');
  const keys = parts.map((part, index) => parseKey(part, `entry ${index + 1}`));
  const byId = new Map<string, VaultKey>();
  for (const key of keys) {
    if (byId.has(key.id)) throw invalid(`names the key id "${key.id}" twice`);
    byId.set(key.id, key);
  }
  const [primary] = keys;
  if (!primary) throw invalid('is empty');
  return Object.freeze({ primary, keys: Object.freeze(keys), find: (id: string) => byId.get(id) });
}

/**
 * A fresh `id:base64` entry for `KEYSHIFT_KEYS`. The text holds the key: print it only for its
 * owner. The id is random, so that two generated keys never share one.
 */
export function generateKeyringEntry(random: Random): string {
  return `k${random.bytes(4).toString('hex')}:${random.bytes(vaultKeyBytes).toString('base64')}`;
}

function parseKey(part: string, name: string): VaultKey {
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
  if (bytes.byteLength !== vaultKeyBytes) {
    throw invalid(`${name}: the key is ${bytes.byteLength} bytes long, not ${vaultKeyBytes}`);
  }
  return new VaultKey(id, bytes);
}

function invalid(what: string): KeyshiftError<'config_invalid'> {
  return new KeyshiftError('config_invalid', `KEYSHIFT_KEYS ${what}.`, {
    fix: `Set KEYSHIFT_KEYS to id:base64, each key ${vaultKeyBytes} random bytes in base64, several separated by commas, the first for sealing.`,
  });
}
