import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { isKeyshiftError, type KeyshiftError } from '../errors/keyshift-error.ts';
import { systemRandom } from '../runtime/random.ts';
import { generateKeyringEntry, parseKeyring } from './keyring.ts';

const keyA = Buffer.alloc(32, 0xa1).toString('base64');
const keyB = Buffer.alloc(32, 0xb2).toString('base64');

function refusal(text: string): KeyshiftError {
  try {
    parseKeyring(text);
  } catch (error) {
    if (isKeyshiftError(error)) return error;
    throw error;
  }
  throw new Error('the keyring was accepted');
}

describe('parseKeyring', () => {
  const shortKey = Buffer.alloc(16, 7).toString('base64');
  it.each([
    ['', /empty/],
    [' , ', /empty/],
    [`k1:${keyA},`, /entry 2 is empty/],
    [keyA, /entry 1 has no colon/],
    [`:${keyA}`, /entry 1: the id/],
    [`a b:${keyA}`, /entry 1: the id/],
    [`a.b:${keyA}`, /entry 1: the id/],
    [`${'k'.repeat(33)}:${keyA}`, /entry 1: the id/],
    [`k1:${keyA},k2:${shortKey}`, /entry 2: the key is 16 bytes long, not 32/],
    [`k1:${keyA},k2:`, /entry 2: the key after the colon is not base64/],
    [`k1:${keyA.slice(0, 20)}!${keyA.slice(21)}`, /entry 1: .*not base64/],
    [`k1:${keyA} ${keyA}`, /entry 1: .*not base64/],
    [`k1:${keyA},k1:${keyB}`, /the key id "k1" twice/],
  ])('refuses %j and says what is wrong with which entry', (text, message) => {
    const error = refusal(text);
    expect(error.code).toBe('config_invalid');
    expect(error.message).toMatch(/^KEYSHIFT_KEYS /);
    expect(error.message).toMatch(message);
  });

  it('shows no key material in any refusal, not even when id and key are swapped', () => {
    const hexKey = '0123456789abcdef0123456789abcdef';
    for (const text of [keyA, `${keyA}:k1`, `${hexKey}:k1`, `k1:${hexKey}${keyA}`, `k1 ${keyA}`]) {
      const shown = `${inspect(refusal(text), { depth: 9 })}${JSON.stringify(refusal(text))}`;
      expect(shown).not.toContain(keyA.slice(0, 12));
      expect(shown).not.toContain(hexKey.slice(0, 12));
    }
  });

  it('makes the first entry the primary key and the rest readers', () => {
    const keyring = parseKeyring(` new:${keyA} , old:${keyB} `);
    expect(keyring.primary.id).toBe('new');
    expect(keyring.keys.map((key) => key.id)).toEqual(['new', 'old']);
    expect(keyring.find('old')?.reveal().export()).toEqual(Buffer.alloc(32, 0xb2));
    expect(keyring.find('other')).toBeUndefined();
  });

  it('reads base64 without padding', () => {
    expect(
      parseKeyring(`k1:${keyA.replace('=', '')}`)
        .primary.reveal()
        .export(),
    ).toEqual(Buffer.alloc(32, 0xa1));
  });

  it('prints ids and no key material', () => {
    const keyring = parseKeyring(`k1:${keyA}`);
    for (const shown of [
      inspect(keyring, { depth: 9, showHidden: true }),
      JSON.stringify(keyring),
      inspect(keyring.primary, { showHidden: true }),
    ]) {
      expect(shown).toContain('k1');
      expect(shown).not.toContain(keyA.slice(0, 12));
      expect(shown).not.toContain('a1a1a1');
      expect(shown).not.toContain('a1 a1 a1');
    }
  });
});

describe('generateKeyringEntry', () => {
  it('makes entries that parse, each with its own id and key', () => {
    const entries = Array.from({ length: 50 }, () => generateKeyringEntry(systemRandom));
    const keyring = parseKeyring(entries.join(','));
    expect(keyring.keys).toHaveLength(50);
    const materials = keyring.keys.map((key) => key.reveal().export().toString('hex'));
    expect(new Set(materials).size).toBe(50);
  });
});
