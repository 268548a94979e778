import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Secret } from '../runtime/secret.ts';
import { derivePurposeKey, type KeyPurpose } from './purpose-key.ts';

const secret = new Secret('session_secret', 'a-session-secret-of-the-test-0123456789');
const purposes: readonly KeyPurpose[] = [
  'invitation link',
  'sign-in attempt',
  'console session',
  'console login',
  'console device',
  'console form',
];
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('keys by purpose', () => {
  it('are the same each time, so that what was signed before a restart still holds', () => {
    for (const purpose of purposes) {
      expect(derivePurposeKey(secret, purpose)).toEqual(derivePurposeKey(secret, purpose));
    }
  });

  it('never meet: each purpose and each secret has a key of its own', () => {
    const other = new Secret('session_secret', 'another-secret-of-the-test-0123456789ab');
    const keys = [secret, other].flatMap((each) =>
      purposes.map((purpose) => hex(derivePurposeKey(each, purpose))),
    );
    expect(new Set(keys).size).toBe(2 * purposes.length);
  });

  it('are those of RFC 5869: a key of one purpose is one block under the extracted secret', () => {
    const extracted = createHmac('sha256', Buffer.alloc(32)).update(secret.reveal()).digest();
    for (const purpose of purposes) {
      const block = createHmac('sha256', extracted).update(`keyshift ${purpose}\x01`).digest('hex');
      expect(hex(derivePurposeKey(secret, purpose))).toBe(block);
    }
  });
});
