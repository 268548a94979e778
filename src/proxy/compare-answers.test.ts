import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { compareAnswers, type ComparedAnswer } from './compare-answers.ts';

function answer(body: unknown, status = 200, packed = false): ComparedAnswer {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  return packed
    ? { status, contentEncoding: 'gzip', body: gzipSync(bytes) }
    : { status, contentEncoding: undefined, body: bytes };
}

const profile = (fields: object) => ({ data: [{ id: '01H', attributes: { ...fields } }] });

describe('two answers', () => {
  it.each([
    ['the same', profile({ email: 'a' }), profile({ email: 'a' })],
    ['in another order', { a: 1, b: 2 }, { b: 2, a: 1 }],
    ['of different times', profile({ updated: '1' }), profile({ updated: '2' })],
    ['with other cursors', { data: [], links: { next: 'x' } }, { data: [], links: { next: 'y' } }],
    [
      'of errors with their own ids',
      { errors: [{ id: '1', code: 'c' }] },
      { errors: [{ id: '2', code: 'c' }] },
    ],
  ])('say the same when they are %s', (_name, one, other) => {
    expect(compareAnswers(answer(one), answer(other))).toBeUndefined();
    expect(compareAnswers(answer(one, 200, true), answer(other))).toBeUndefined();
  });

  it.each([
    [
      'a field',
      profile({ email: 'secret-1' }),
      profile({ email: 'secret-2' }),
      'body at /data/0/attributes/email',
    ],
    [
      'a field that one lacks',
      profile({ email: 'a' }),
      profile({}),
      'body at /data/0/attributes/email',
    ],
    ['the id of data', { data: { id: '1' } }, { data: { id: '2' } }, 'body at /data/id'],
    ['the number of items', { data: [1] }, { data: [1, 2] }, 'body at /data/length'],
    ['text', 'one', 'two', 'body'],
  ])('differ by %s, told by its place and without its value', (_name, one, other, difference) => {
    expect(compareAnswers(answer(one), answer(other))).toBe(difference);
  });

  it('differ by status first', () => {
    expect(compareAnswers(answer({}), answer({}, 403))).toBe(
      'status 200 with the key, 403 over OAuth',
    );
  });

  it('that cannot be unpacked are not compared', () => {
    const broken = { status: 200, contentEncoding: 'gzip', body: Buffer.from('no gzip') };
    expect(compareAnswers(broken, answer({}))).toBeUndefined();
  });
});

const plain = (body: unknown) => ({
  status: 200,
  contentEncoding: undefined,
  body: Buffer.from(JSON.stringify(body)),
});
const compare = (one: unknown, other: unknown) => compareAnswers(plain(one), plain(other));

it('names the place of a difference, and no value', () => {
  const [one, other] = ['a@one.example', 'b@other.example'].map((email) => ({ data: [{ email }] }));
  expect(compare(one, other)).toBe('body at /data/0/email');
});

it('cuts a place whose names the account chose, and keeps no secret that stands in one', () => {
  const odd = (value: number) => ({ pk_0123456789abcdef0123: { ['x'.repeat(5_000)]: value } });
  const found = compare(odd(1), odd(2)) ?? '';
  expect(found.startsWith('body at /pk_[scrubbed]/xxx')).toBe(true);
  expect(found.length).toBeLessThan(250);
});
