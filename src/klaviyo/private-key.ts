import { Secret } from '../runtime/secret.ts';

/** A private API key as pasted by a customer. */
export type PrivateKey = Secret<'private_key'>;

/**
 * Reads a private key: `pk_` and letters, digits, `_` or `-`; surrounding blanks are dropped.
 * Klaviyo documents neither length nor form, so only prefix and charset are checked.
 *
 * @returns the key, or `undefined` when the value cannot be one
 */
export function parsePrivateKey(value: string): PrivateKey | undefined {
  const trimmed = value.trim();
  return /^pk_[A-Za-z0-9_-]{1,256}$/.test(trimmed) ? new Secret('private_key', trimmed) : undefined;
}
