import { createHash } from 'node:crypto';
import type { Random } from '../runtime/random.ts';
import type { SandboxRandom } from './repeatable-random.ts';

const alphanumerics = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** The time in ids that depend on a seed only. */
const seededMs = 1_700_000_000_000;
const crockford = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** A random id of letters and digits, as Klaviyo's metrics (6) and events (11) have. */
export function shortId(random: Random, length = 6): string {
  return spell(random.bytes(length), alphanumerics);
}

/**
 * A ULID: 10 characters of time, 16 of randomness. Profiles have one. Where randomness repeats
 * itself, so does the time.
 */
export function ulid(random: SandboxRandom, nowMs: number): string {
  return timePart(random.restart ? seededMs : nowMs) + spell(random.bytes(16), crockford);
}

/** The same short id for the same text, for seeded resources. */
export function stableShortId(text: string): string {
  return spell(sha256(text).subarray(0, 6), alphanumerics);
}

/** The id of a private key: tells nothing about the key. */
export function keyIdOf(key: string): string {
  return stableShortId(`key:${key}`);
}

/** The same 26-character ULID for the same text, for seeded resources and apps. */
export function stableUlid(text: string): string {
  return timePart(seededMs) + spell(sha256(text).subarray(0, 16), crockford);
}

function spell(bytes: Uint8Array, alphabet: string): string {
  let text = '';
  for (const byte of bytes) text += alphabet.charAt(byte % alphabet.length);
  return text;
}

function timePart(ms: number): string {
  let text = '';
  for (let rest = Math.floor(ms), length = 0; length < 10; length++) {
    text = crockford.charAt(rest % 32) + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
