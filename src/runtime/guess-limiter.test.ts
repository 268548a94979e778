import { describe, expect, it } from 'vitest';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import { createManualClock } from './clock.ts';
import { createGuessLimiter, unguessable, type GuessLimits } from './guess-limiter.ts';

const wrong = () => {
  throw new KeyshiftError('unauthenticated', 'Unknown.');
};
const right = () => 'right';

/** What became of a check: its result, or the code of its error. */
const outcomeOf = (check: Promise<string>) =>
  check.catch((error: unknown) => (error as KeyshiftError).code);

/** Fails as often as is free, each time from the next address. */
async function guessFrom(addressOf: (at: number) => string, limits: GuessLimits = unguessable) {
  const clock = createManualClock();
  const limiter = createGuessLimiter(clock, limits);
  for (let at = 0; at < limits.failures; at += 1) {
    expect(await outcomeOf(limiter.check(addressOf(at), wrong))).toBe('unauthenticated');
  }
  return { clock, limiter };
}

const slow: GuessLimits = { failures: 3, atOnce: 1, pauseMs: 1_000, mostWaiting: 2 };

describe('who guesses credentials', () => {
  it.each([
    ['2001:db8::', (at: number) => `2001:db8::${(at + 1).toString(16)}`],
    ['2001:db8:0:0:', (at: number) => `2001:db8::a:b:c:${(at + 1).toString(16)}`],
    ['2001:db8:1:2:', (at: number) => `2001:db8:1:2:a:b:c:${(at + 1).toString(16)}`],
    ['an IPv4 address', () => '192.0.2.7'],
  ])('is one caller within its network: %s', async (_name, addressOf) => {
    const { limiter } = await guessFrom(addressOf);
    expect(await outcomeOf(limiter.check(addressOf(999), wrong))).toBe('too_many_attempts');
  });

  it.each([
    ['2001:db8::1', '2001:db8:0:1::1'],
    ['2001:db8::1', '2001:db9::1'],
    ['192.0.2.7', '192.0.2.8'],
    ['::1', '1::'],
  ])('is another than its neighbour: %s, %s', async (one, other) => {
    const { limiter } = await guessFrom(() => one, slow);
    expect(await outcomeOf(limiter.check(other, right))).toBe('right');
    expect(await outcomeOf(limiter.check(other, wrong))).toBe('unauthenticated');
  });

  it('has no more guesses in a burst than one by one', async () => {
    const clock = createManualClock();
    const limiter = createGuessLimiter(clock, slow);
    let checked = 0;
    const guess = async () => {
      checked += 1;
      await clock.sleep(10);
      return wrong();
    };
    const burst = Array.from({ length: 100 }, () => outcomeOf(limiter.check('192.0.2.7', guess)));
    await clock.advance(0);
    expect(checked).toBe(slow.failures);
    await clock.advance(10);
    expect(checked).toBe(slow.failures);
    await clock.advance(5_000);
    const outcomes = await Promise.all(burst);
    expect(checked).toBe(slow.failures + slow.mostWaiting);
    expect(outcomes.filter((outcome) => outcome === 'unauthenticated')).toHaveLength(3);
  });

  it('is told when the minute ends, and is free again then', async () => {
    const { clock, limiter } = await guessFrom(() => '192.0.2.7');
    await clock.advance(20_000);
    await expect(limiter.check('192.0.2.7', wrong)).rejects.toMatchObject({ retryAfterSec: 40 });
    await clock.advance(40_000);
    expect(await outcomeOf(limiter.check('192.0.2.7', wrong))).toBe('unauthenticated');
  });

  it('is counted by results too, where a check says what is wrong', async () => {
    const limiter = createGuessLimiter(createManualClock(), { ...slow, pauseMs: 0 });
    const check = (result: string) =>
      outcomeOf(
        limiter.check(
          '192.0.2.7',
          () => result,
          (each) => each === 'no',
        ),
      );
    expect([await check('no'), await check('no'), await check('no')]).toEqual(['no', 'no', 'no']);
    expect(await check('no')).toBe('too_many_attempts');
    expect(await check('yes')).toBe('yes');
  });

  it('is not counted for what went wrong otherwise', async () => {
    const limiter = createGuessLimiter(createManualClock(), slow);
    for (let at = 0; at < 10; at += 1) {
      const failed = limiter.check('192.0.2.7', () => {
        throw new KeyshiftError('database_unavailable', 'Away.');
      });
      expect(await outcomeOf(failed)).toBe('database_unavailable');
    }
  });
});

describe('who is right, behind an address past its limit', () => {
  it('passes at once where credentials cannot be guessed', async () => {
    const { limiter } = await guessFrom(() => '192.0.2.7');
    for (let at = 0; at < 100; at += 1) {
      expect(await outcomeOf(limiter.check('192.0.2.7', wrong))).toBe('too_many_attempts');
    }
    const checks = Array.from({ length: 100 }, () => limiter.check('192.0.2.7', right));
    expect(new Set(await Promise.all(checks))).toEqual(new Set(['right']));
  });

  it('is not slowed down in a burst where nobody guesses', async () => {
    const clock = createManualClock();
    const limiter = createGuessLimiter(clock, slow);
    const checks = Array.from({ length: 100 }, () => limiter.check('192.0.2.7', right));
    expect(new Set(await Promise.all(checks))).toEqual(new Set(['right']));
  });

  it('waits for its turn where they could be, and then passes', async () => {
    const { clock, limiter } = await guessFrom(() => '192.0.2.7', slow);
    const ended: string[] = [];
    for (const check of [wrong, right, right, right]) {
      void outcomeOf(limiter.check('192.0.2.7', check)).then((outcome) => ended.push(outcome));
    }
    await clock.advance(999);
    // One has its turn, two wait, and the fourth has no place.
    expect(ended).toEqual(['too_many_attempts']);
    await clock.advance(1);
    await clock.advance(1_000);
    expect(ended).toEqual(['too_many_attempts', 'too_many_attempts', 'right']);
    await clock.advance(1_000);
    expect(ended.at(-1)).toBe('right');
    expect(await outcomeOf(limiter.check('192.0.2.8', right))).toBe('right');
  });
});
