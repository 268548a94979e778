import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRetryAfterSec } from './retry-after.ts';

const nowMs = Date.UTC(2026, 10, 23, 8, 0, 0);

describe('parseRetryAfterSec', () => {
  it.each([
    '',
    ' ',
    'soon',
    '-5',
    '+5',
    '1,5',
    '5 seconds',
    '120s',
    '0x10',
    '1e3',
    'abc 1',
    'NaN',
    'Infinity',
    '10, 20',
  ])('does not guess what %j means', (value) => {
    expect(parseRetryAfterSec(value, nowMs)).toBeUndefined();
  });

  it('answers nothing when there is no header', () => {
    expect(parseRetryAfterSec(undefined, nowMs)).toBeUndefined();
  });

  it.each([
    ['0', 0],
    ['30', 30],
    [' 30 ', 30],
    ['1.2', 2],
    ['Mon, 23 Nov 2026 08:02:00 GMT', 120],
    ['Mon, 23 Nov 2026 07:00:00 GMT', 0],
    ['Monday, 23-Nov-26 08:02:00 GMT', 120],
    ['Mon Nov 23 08:02:00 2026 GMT', 120],
  ])('reads %j as %i seconds', (value, seconds) => {
    expect(parseRetryAfterSec(value, nowMs)).toBe(seconds);
  });

  it('rounds the rest of a second up, so that nobody comes too early', () => {
    expect(parseRetryAfterSec('Mon, 23 Nov 2026 08:00:01 GMT', nowMs + 1)).toBe(1);
  });

  it('answers whole seconds that a timer can hold or nothing, whatever it is given', () => {
    const digits = fc.stringMatching(/^\d{1,400}(\.\d{1,20})?$/);
    fc.assert(
      fc.property(fc.oneof(digits, fc.string(), fc.date().map(String)), (value) => {
        const seconds = parseRetryAfterSec(value, nowMs);
        expect(seconds === undefined || (Number.isSafeInteger(seconds) && seconds >= 0)).toBe(true);
      }),
    );
  });
});
