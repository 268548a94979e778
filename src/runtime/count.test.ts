import { expect, it } from 'vitest';
import { count } from './count.ts';

it('agrees with its number', () => {
  expect([0, 1, 2].map((number) => count(number, 'row'))).toEqual(['0 rows', '1 row', '2 rows']);
  expect([1, 4].map((number) => count(number, 'entry', 'entries'))).toEqual([
    '1 entry',
    '4 entries',
  ]);
});
