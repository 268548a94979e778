import { hkdfSync } from 'node:crypto';
import type { Secret } from '../runtime/secret.ts';

/** What is signed under `SESSION_SECRET`. A key of one purpose is no key of another. */
export type KeyPurpose =
  | 'invitation link'
  | 'sign-in attempt'
  | 'console session'
  | 'console login'
  | 'console device'
  | 'console form';

/**
 * Derives the key of 32 bytes for one purpose from `SESSION_SECRET` by HKDF-SHA-256 (RFC 5869).
 * Whoever learns it learns neither the secret nor the key of another purpose. The label must stay
 * as it is for as long as anything signed under it is in use.
 */
export function derivePurposeKey(
  sessionSecret: Secret<'session_secret'>,
  purpose: KeyPurpose,
): Uint8Array<ArrayBuffer> {
  return new Uint8Array(hkdfSync('sha256', sessionSecret.reveal(), '', `keyshift ${purpose}`, 32));
}
