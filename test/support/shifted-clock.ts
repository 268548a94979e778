import { systemClock, type Clock } from '../../src/runtime/clock.ts';

/** The machine's clock, which a test can move ahead. */
export interface ShiftedClock extends Clock {
  /** Moves `now()` forward by milliseconds; who sleeps goes on sleeping in real time. */
  skip(ms: number): void;
  /** Moves `now()` forward, and wakes every sleeper whose time has come by it. */
  pass(ms: number): void;
  /** How many sleeps have begun. */
  readonly sleeps: number;
}

/** Creates a clock that shows the real time until it is told to skip some. */
export function createShiftedClock(): ShiftedClock {
  let aheadMs = 0;
  let sleeps = 0;
  const sleepers = new Set<{ readonly dueMs: number; readonly woken: AbortController }>();
  const now = () => systemClock.now() + aheadMs;
  const skip = (ms: number) => void (aheadMs += ms);
  return {
    now,
    skip,
    timer: systemClock.timer,
    pass(ms) {
      skip(ms);
      for (const { dueMs, woken } of sleepers) if (dueMs <= now()) woken.abort();
    },
    async sleep(ms, signal) {
      sleeps += 1;
      const woken = new AbortController();
      const sleeper = { dueMs: now() + ms, woken };
      sleepers.add(sleeper);
      const signals = signal ? [signal, woken.signal] : [woken.signal];
      try {
        await systemClock.sleep(ms, AbortSignal.any(signals));
      } catch (error) {
        if (!woken.signal.aborted) throw error;
      } finally {
        sleepers.delete(sleeper);
      }
    },
    get sleeps() {
      return sleeps;
    },
  };
}
