import { createHmac } from 'node:crypto';
import { VaultKey } from './vault-key.ts';

/** What a blind index is for; the same value under two purposes has two unrelated indexes. */
export type BlindIndexPurpose = 'private_key' | 'refresh_token' | 'audit_chain';

/** Finds sealed values by equality without opening them. */
export interface BlindIndex {
  /** HMAC-SHA-256 of the value, base64url: equal for equal values, and silent about them. */
  index(value: string, purpose: BlindIndexPurpose): string;
}

/**
 * Creates a blind index over a key of 32 bytes. The key must outlive every index made with it.
 *
 * @example
 * ```ts
 * const blindIndex = createBlindIndex(key);
 * blindIndex.index('pk_abc', 'private_key'); // "b1Uz…", 43 characters
 * ```
 */
export function createBlindIndex(key: Uint8Array): BlindIndex {
  const secret = new VaultKey('blind_index', key).reveal();
  return {
    index: (value, purpose) =>
      // No purpose holds a NUL, so that no two pairs of purpose and value make the same text.
      createHmac('sha256', secret).update(`${purpose}\0${value}`).digest('base64url'),
  };
}
