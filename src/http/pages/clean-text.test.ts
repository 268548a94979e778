import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cleanText } from './clean-text.ts';

describe('cleanText', () => {
  it('drops characters that turn the direction of writing', () => {
    expect(cleanText('Shop\u202Egpj.exe\u2066x\u2069')).toBe('Shopgpj.exex');
  });

  it('drops control characters, lone surrogates and invisible tags', () => {
    expect(cleanText('a\u0000\u001Bb\uD800c\u{E0041}d')).toBe('abcd');
  });

  it('makes one line of several and one blank of many', () => {
    expect(cleanText('  Harbour\r\n\t Bakery \u2028 ')).toBe('Harbour Bakery');
  });

  it('cuts what is too long between characters, never inside one', () => {
    expect(cleanText('🧁'.repeat(300))).toBe(`${'🧁'.repeat(199)}…`);
    expect(cleanText('abcdef', 4)).toBe('abc…');
    expect(cleanText('abcd', 4)).toBe('abcd');
  });

  it('leaves names of every script alone', () => {
    for (const name of ['Nordlicht Möbel', 'يوسف للتجارة', 'שלום', '東京', 'می‌خواهم', '👩‍🍳 Co']) {
      expect(cleanText(name)).toBe(name);
    }
  });

  it('answers short, well-formed text without controls whatever comes in', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 500 }), (value) => {
        const clean = cleanText(value);
        expect(clean).not.toMatch(/[\p{Cc}\p{Surrogate}\u202A-\u202E\u2066-\u2069]/u);
        expect([...clean].length).toBeLessThanOrEqual(200);
        expect(cleanText(clean)).toBe(clean);
      }),
    );
  });
});
