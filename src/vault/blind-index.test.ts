import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createBlindIndex } from './blind-index.ts';

const key = randomBytes(32);
const blindIndex = createBlindIndex(key);

describe('createBlindIndex', () => {
  it.each([0, 16, 31, 33])('refuses a key of %i bytes', (length) => {
    expect(() => createBlindIndex(new Uint8Array(length))).toThrow(/32 bytes/);
  });

  it('gives different values different indexes, and none that holds the value', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 6 }), fc.string(), (value, other) => {
        const index = blindIndex.index(value, 'private_key');
        expect(index).toMatch(/^[\w-]{43}$/);
        expect(index).not.toContain(value);
        expect(index === blindIndex.index(other, 'private_key')).toBe(value === other);
      }),
    );
  });

  it('keeps purposes apart', () => {
    expect(blindIndex.index('pk_a', 'private_key')).not.toBe(
      blindIndex.index('pk_a', 'refresh_token'),
    );
  });

  it('depends on its key, and on nothing else', () => {
    const index = blindIndex.index('pk_a', 'private_key');
    expect(createBlindIndex(Buffer.from(key)).index('pk_a', 'private_key')).toBe(index);
    expect(createBlindIndex(randomBytes(32)).index('pk_a', 'private_key')).not.toBe(index);
  });

  it('prints no key material', () => {
    const shown = inspect(blindIndex, { depth: 9, showHidden: true }) + JSON.stringify(blindIndex);
    expect(shown).not.toContain(key.toString('hex').slice(0, 12));
    expect(shown).not.toContain(key.toString('base64').slice(0, 12));
  });
});
