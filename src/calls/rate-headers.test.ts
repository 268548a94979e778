import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseRateLimit, readRateNotice } from './rate-headers.ts';

it('reads the list of windows as Klaviyo writes it, shortest first', () => {
  expect(parseRateLimit('1, 1;w=1, 15;w=60')).toEqual([
    { limit: 1, windowSec: 1 },
    { limit: 15, windowSec: 60 },
  ]);
  expect(parseRateLimit('700,700;comment="steady";w=60 , 75;w=1')).toEqual([
    { limit: 75, windowSec: 1 },
    { limit: 700, windowSec: 60 },
  ]);
});

it('reads no windows from anything else, and never throws', () => {
  for (const value of ['', '15', 'a;w=1', '1;w=', '-1;w=1', '0;w=60', '5;w=0', '1.5;w=2']) {
    expect(parseRateLimit(value)).toEqual([]);
  }
  fc.assert(
    fc.property(fc.string(), fc.string(), (limit, other) => {
      for (const window of parseRateLimit(limit)) expect(window.limit).toBeGreaterThan(0);
      readRateNotice({ limit, remaining: other, reset: limit });
    }),
  );
});

it('acts on no notice about a window that is over, or that is not whole', () => {
  const read = (remaining?: string, reset?: string) =>
    readRateNotice({ limit: undefined, remaining, reset });
  expect(read('14', '46')).toEqual({ remaining: 14, resetSec: 46 });
  expect(read('0', '0')).toBeUndefined();
  expect(read('3')).toBeUndefined();
  expect(read(undefined, '3')).toBeUndefined();
  expect(read('many', '3')).toBeUndefined();
});
