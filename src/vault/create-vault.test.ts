import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isKeyshiftError } from '../errors/keyshift-error.ts';
import { systemRandom } from '../runtime/random.ts';
import { createVault } from './create-vault.ts';
import { parseKeyring } from './keyring.ts';
import type { SealContext } from './vault.ts';

const oldEntry = `old:${Buffer.alloc(32, 1).toString('base64')}`;
const newEntry = `new:${Buffer.alloc(32, 2).toString('base64')}`;
const context: SealContext = { table: 'grants', rowId: 'row-1', column: 'access_token' };
const vault = createVault(parseKeyring(`${newEntry},${oldEntry}`), systemRandom);
const oldVault = createVault(parseKeyring(oldEntry), systemRandom);

const text = fc.string({ unit: 'binary', maxLength: 600 });
const contexts = fc.record({
  table: fc.string({ maxLength: 12 }),
  rowId: fc.string({ unit: 'binary', maxLength: 12 }),
  column: fc.string({ maxLength: 12 }),
});

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return isKeyshiftError(error) ? error.code : String(error);
  }
  return 'opened';
}

describe('a sealed value', () => {
  it('does not open after any single-character change', () => {
    const alphabet = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.+/= \n'];
    fc.assert(
      fc.property(text, fc.nat(), fc.constantFrom(...alphabet), (plaintext, where, character) => {
        const sealed = vault.seal(plaintext, context);
        const at = where % sealed.length;
        fc.pre(sealed[at] !== character);
        const changed = sealed.slice(0, at) + character + sealed.slice(at + 1);
        expect(codeOf(() => vault.open(changed, context))).toMatch(/^(seal_invalid|keyring_mism)/);
      }),
      { numRuns: 2000 },
    );
  });

  it('does not open under a second spelling of its last character', () => {
    // 1 byte + 16 bytes of tag leave two unused bits in the last base64url character.
    for (const plaintext of ['a', 'ab', 'abc', 'abcd']) {
      const sealed = vault.seal(plaintext, context);
      for (const last of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_') {
        if (sealed.endsWith(last)) continue;
        expect(codeOf(() => vault.open(sealed.slice(0, -1) + last, context))).toBe('seal_invalid');
      }
    }
  });

  it('does not open in another table, row or column', () => {
    fc.assert(
      fc.property(text, contexts, contexts, (plaintext, here, there) => {
        fc.pre(JSON.stringify(here) !== JSON.stringify(there));
        const sealed = vault.seal(plaintext, here);
        expect(codeOf(() => vault.open(sealed, there))).toBe('seal_invalid');
      }),
    );
  });

  it('does not open where the parts of its place were cut differently', () => {
    const sealed = vault.seal('s', { table: 'a', rowId: 'bc', column: 'd' });
    for (const moved of [
      { table: 'ab', rowId: 'c', column: 'd' },
      { table: 'a', rowId: 'b', column: 'cd' },
      { table: 'a","bc', rowId: '', column: 'd' },
    ]) {
      expect(codeOf(() => vault.open(sealed, moved))).toBe('seal_invalid');
    }
  });

  it.each(['', 'secret', 'v1', 'v1.new', 'v1.new..', 'v2.new.AAAA.AAAA', 'v1.new.AAAA.AAAA.AAAA'])(
    'is never taken to be plain text: %j is refused',
    (value) => {
      expect(codeOf(() => vault.open(value, context))).toBe('seal_invalid');
    },
  );

  it('does not open when it is cut short', () => {
    const sealed = vault.seal('a secret', context);
    for (let length = 0; length < sealed.length; length += 1) {
      expect(codeOf(() => vault.open(sealed.slice(0, length), context))).toBe('seal_invalid');
    }
  });

  it('does not open when its key id is rewritten to another key of the ring', () => {
    const sealed = vault.seal('a secret', context);
    expect(codeOf(() => vault.open(sealed.replace('.new.', '.old.'), context))).toBe(
      'seal_invalid',
    );
  });

  it('names the key that is missing from the ring', () => {
    const sealed = vault.seal('a secret', context);
    expect(() => oldVault.open(sealed, context)).toThrow(
      expect.objectContaining({
        code: 'keyring_mismatch',
        message: expect.stringContaining('"new"') as string,
      }),
    );
  });

  it('does not open under another key of the same id, and the error shows no secret', () => {
    const impostor = createVault(
      parseKeyring(`new:${Buffer.alloc(32, 9).toString('base64')}`),
      systemRandom,
    );
    const sealed = vault.seal('a-very-secret-token', context);
    try {
      impostor.open(sealed, context);
      expect.unreachable();
    } catch (error) {
      expect(isKeyshiftError(error, 'seal_invalid')).toBe(true);
      const shown = `${inspect(error, { depth: 9 })}${JSON.stringify(error)}`;
      expect(shown).not.toContain('a-very-secret-token');
      expect(shown).not.toContain(sealed);
    }
  });

  it('is refused for text that would come back changed', () => {
    expect(codeOf(() => vault.seal('half a pair: \ud83d', context))).toBe('request_invalid');
  });

  it('opens to exactly what was sealed', () => {
    fc.assert(
      fc.property(text, contexts, (plaintext, where) => {
        expect(vault.open(vault.seal(plaintext, where), where)).toBe(plaintext);
      }),
    );
    for (const plaintext of ['', '🔑', 'é\0\u2028', 'x'.repeat(100_000)]) {
      expect(vault.open(vault.seal(plaintext, context), context)).toBe(plaintext);
    }
  });

  it('never looks the same twice', () => {
    const sealed = new Set(Array.from({ length: 1000 }, () => vault.seal('same', context)));
    expect(sealed.size).toBe(1000);
    const nonces = new Set([...sealed].map((value) => value.split('.')[2]));
    expect(nonces.size).toBe(1000);
  });

  it('opens under a reader key', () => {
    const sealed = oldVault.seal('s', context);
    expect(vault.open(sealed, context)).toBe('s');
    expect(vault.primaryKeyId).toBe('new');
  });
});
