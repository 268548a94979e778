import { describe, expect, it } from 'vitest';
import { sweepRatePerSec } from './sweep-pace.ts';

describe('the rate of a sweep', () => {
  it.each([
    ['nothing', 0, 20],
    ['ten thousand tokens of an hour', 1_667, 20],
    ['a hundred thousand tokens of an hour', 16_667, 35],
    ['a hundred thousand tokens of ten minutes', 100_000, 200],
  ])('for %s keeps to its bounds, with a quarter to spare', (_what, due, ratePerSec) => {
    expect(sweepRatePerSec(due, 600_000)).toBe(ratePerSec);
  });
});
