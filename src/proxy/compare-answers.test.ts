import { expect, it } from 'vitest';
import { compareAnswers } from './compare-answers.ts';

const answer = (body: unknown) => ({
  status: 200,
  contentEncoding: undefined,
  body: Buffer.from(JSON.stringify(body)),
});
const compare = (one: unknown, other: unknown) => compareAnswers(answer(one), answer(other));

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
