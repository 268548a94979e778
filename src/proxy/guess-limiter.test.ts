import { describe, expect, it } from 'vitest';
import { createManualClock } from '../runtime/clock.ts';
import { createGuessLimiter, guessesPerMinute } from './guess-limiter.ts';

/** Fails as often as is free, each time from the next address. */
function guessFrom(addressOf: (at: number) => string) {
  const limiter = createGuessLimiter(createManualClock());
  for (let at = 0; at < guessesPerMinute; at += 1) limiter.fail(addressOf(at));
  return limiter;
}

describe('who guesses credentials', () => {
  it.each([
    ['2001:db8::', (at: number) => `2001:db8::${(at + 1).toString(16)}`],
    ['2001:db8:0:0:', (at: number) => `2001:db8::a:b:c:${(at + 1).toString(16)}`],
    ['2001:db8:1:2:', (at: number) => `2001:db8:1:2:a:b:c:${(at + 1).toString(16)}`],
    ['a mapped IPv4 address', () => '::ffff:192.0.2.7'],
  ])('is one caller within its network: %s', (_name, addressOf) => {
    expect(() => {
      guessFrom(addressOf).fail(addressOf(999));
    }).toThrow('Too many unknown credentials');
  });

  it.each([
    ['2001:db8::1', '2001:db8:0:1::1'],
    ['2001:db8::1', '2001:db9::1'],
    ['192.0.2.7', '192.0.2.8'],
    ['::1', '1::'],
  ])('is another than its neighbour: %s, %s', (one, other) => {
    const limiter = guessFrom(() => one);
    expect(() => {
      limiter.fail(other);
    }).not.toThrow();
    expect(limiter.admit(other)).toBeUndefined();
  });
});
