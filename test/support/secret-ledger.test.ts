import { describe, expect, it } from 'vitest';
import { createSecretLedger } from './secret-ledger.ts';

const short = 'pk_0123456789abcdef-_';
const long = Array.from({ length: 60 }, (_, at) => `part${at}-_`).join('');

describe('the search for secrets', () => {
  it.each<[string, (value: string) => string | Buffer]>([
    ['in clear', (value) => value],
    ['inside of other bytes', (value) => Buffer.concat([Buffer.of(0, 255), Buffer.from(value)])],
    ['in hex', (value) => Buffer.from(value).toString('hex')],
    ['in base64', (value) => Buffer.from(value).toString('base64')],
    ['in base64url', (value) => Buffer.from(value).toString('base64url')],
    ['percent-encoded', (value) => encodeURIComponent(value)],
    ['in JSON in JSON', (value) => JSON.stringify(JSON.stringify({ value }))],
  ])('finds one %s', (_name, encode) => {
    for (const value of [short, long]) {
      const ledger = createSecretLedger();
      ledger.add('canary', value);
      const place = { name: 'there', content: encode(value) };
      expect(ledger.findIn([place])).toEqual([{ place: 'there', kind: 'canary' }]);
    }
  });

  it('finds the half of a long one', () => {
    const ledger = createSecretLedger();
    ledger.add('canary', long);
    const half = long.length / 2;
    for (const content of [long.slice(0, half), long.slice(half)]) {
      expect(ledger.findIn([{ name: 'there', content }])).toHaveLength(1);
    }
  });

  it('finds nothing where none is, and passes over what is allowed', () => {
    const ledger = createSecretLedger();
    ledger.add('canary', short);
    expect(ledger.findIn([{ name: 'there', content: long }])).toEqual([]);
    expect(ledger.findIn([{ name: 'there', content: short }], new Set([short]))).toEqual([]);
    expect([...ledger.kinds]).toEqual(['canary']);
  });

  it('refuses to look for what would be found by chance', () => {
    expect(() => createSecretLedger().add('canary', 'abc')).toThrow(/too short/);
  });
});
