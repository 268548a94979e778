import { systemClock, type Clock } from '../../src/runtime/clock.ts';

/** A clock on which every pause is over at once, and which remembers how long it was to be. */
export interface EagerClock extends Clock {
  /** Milliseconds of each pause, in the order they began. */
  readonly pauses: readonly number[];
}

/** Creates the clock; `now()` moves by what was slept. */
export function createEagerClock(startMs = 1_800_000_000_000): EagerClock {
  let nowMs = startMs;
  const pauses: number[] = [];
  return {
    pauses,
    now: () => nowMs,
    // Deadlines are no pauses: they end what takes real time.
    timer: systemClock.timer,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      pauses.push(ms);
      nowMs += ms;
    },
  };
}
