import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadAxios } from '../../test/support/sdk-fixture.ts';
import { toQueryString } from './query-string.ts';

const axios = loadAxios();

function byAxios(params: unknown): string {
  return axios.getUri({ url: 'http://localhost/', params }).split('?')[1] ?? '';
}

const scalar = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed()),
  fc.integer(),
  fc.boolean(),
  fc.constantFrom(null, undefined),
  fc.date({ noInvalidDate: true }),
);
const key = fc.stringMatching(/^[a-z][a-z0-9_-]{0,8}(\[[a-z-]{1,8}\])?$/);
const { value: anyValue } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    scalar,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(key, tie('value'), { maxKeys: 4 }),
  ),
}));

describe('toQueryString', () => {
  it('writes what axios writes', () => {
    fc.assert(
      fc.property(fc.dictionary(key, anyValue, { maxKeys: 5, noNullPrototype: true }), (params) => {
        expect(toQueryString(params)).toBe(byAxios(params));
      }),
      { numRuns: 500 },
    );
  });

  it.each<[string, Record<string, unknown>, string]>([
    [
      'a filter',
      { filter: 'and(equals(email,"a+b@c.co"),greater-than(created,2026-01-01T00:00:00Z))' },
      'filter=and(equals(email,%22a%2Bb%40c.co%22),greater-than(created,2026-01-01T00:00:00Z))',
    ],
    ['sparse fields', { 'fields[profile]': 'email,id' }, 'fields%5Bprofile%5D=email,id'],
    [
      'a page',
      { 'page[size]': 20, 'page[cursor]': 'a=b&c' },
      'page%5Bsize%5D=20&page%5Bcursor%5D=a%3Db%26c',
    ],
    ['a list', { ids: ['a', 'b'] }, 'ids%5B%5D=a&ids%5B%5D=b'],
    ['nothing', { sort: undefined, include: null }, ''],
  ])('writes %s so that Klaviyo understands it', (_name, params, text) => {
    expect(toQueryString(params)).toBe(text);
    expect(byAxios(params)).toBe(text);
    expect([...new URLSearchParams(text).values()].join()).not.toContain('%');
  });

  it('takes URLSearchParams as they are, and nothing for nothing', () => {
    expect(toQueryString(new URLSearchParams({ a: 'b c' }))).toBe('a=b+c');
    expect(toQueryString(undefined)).toBe('');
    expect(toQueryString(null)).toBe('');
  });
});
