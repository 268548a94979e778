import { systemClock, type Clock } from '../../src/runtime/clock.ts';

/** The machine's clock, which a test can move ahead; sleeping takes real time. */
export interface ShiftedClock extends Clock {
  /** Moves `now()` forward by milliseconds. */
  skip(ms: number): void;
}

/** Creates a clock that shows the real time until it is told to skip some. */
export function createShiftedClock(): ShiftedClock {
  let aheadMs = 0;
  return {
    ...systemClock,
    now: () => systemClock.now() + aheadMs,
    skip: (ms) => {
      aheadMs += ms;
    },
  };
}
