import { createGuessLimiter } from '../runtime/guess-limiter.ts';
import type { Clock } from '../runtime/clock.ts';

/** Slows guessing of the one password down, so that nobody who knows it is locked out by it. */
export interface LoginThrottle {
  /**
   * Runs the check of a password, which rejects with `unauthenticated` where it is wrong.
   *
   * @param address of the browser
   * @param device a browser that somebody has signed in with before, which has attempts of its own
   * @throws KeyshiftError `unauthenticated`, `too_many_attempts`
   */
  check(address: string, device: string | undefined, check: () => void): Promise<void>;
}

// A password may be one that a person made up: whoever tries more waits for a second each.
const ofOne = { failures: 10, atOnce: 1, pauseMs: 1_000, mostWaiting: 5 };
const ofAll = { failures: 100, atOnce: 4, pauseMs: 1_000, mostWaiting: 100 };

/** Creates a throttle. One process counts for itself. */
export function createLoginThrottle(clock: Clock): LoginThrottle {
  const strangers = createGuessLimiter(clock, ofOne, ofAll);
  const known = createGuessLimiter(clock, ofOne);
  return {
    check: (address, device, check) =>
      device === undefined ? strangers.check(address, check) : known.check(device, check),
  };
}
