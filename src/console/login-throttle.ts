import type { Clock } from '../runtime/clock.ts';

/** Slows guessing of the one password down: a few failures, then a pause for everyone. */
export interface LoginThrottle {
  /** Seconds until the next attempt is taken; 0 when it is taken now. */
  waitSec(): number;
  recordFailure(): void;
}

const windowMs = 60_000;
const failuresAllowed = 10;

/** Creates a throttle over a sliding minute. One process counts for itself. */
export function createLoginThrottle(clock: Clock): LoginThrottle {
  let failures: number[] = [];
  return {
    waitSec() {
      const nowMs = clock.now();
      failures = failures.filter((atMs) => atMs > nowMs - windowMs);
      const oldest = failures[0];
      if (oldest === undefined || failures.length < failuresAllowed) return 0;
      return Math.ceil((oldest + windowMs - nowMs) / 1000);
    },
    recordFailure() {
      failures.push(clock.now());
    },
  };
}
