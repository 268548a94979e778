import type { Clock } from '../../runtime/clock.ts';

/** Where a controlled clock stands. */
export interface ClockReading {
  readonly nowMs: number;
  readonly frozen: boolean;
  /** How far it is ahead of the clock it runs on, in milliseconds. */
  readonly aheadMs: number;
}

/** A clock that runs on another one until it is frozen, moved or let go again. */
export interface ControlledClock extends Clock {
  reading(): ClockReading;
  /** Stands still, at `atMs` when given. */
  freeze(atMs?: number): void;
  /** Moves forward by `ms`, frozen or not; whoever sleeps until a time within wakes up. */
  advance(ms: number): void;
  /** Runs on from where it stands, or from the time of the clock below. */
  resume(from?: 'here' | 'real-time'): void;
}

/** Creates a clock that runs on `base`. */
export function createControlledClock(base: Clock): ControlledClock {
  let aheadMs = 0;
  let frozenAtMs: number | undefined;
  const sleepers = new Set<AbortController>();

  const now = () => frozenAtMs ?? base.now() + aheadMs;
  const wakeSleepers = () => {
    for (const sleeper of sleepers) sleeper.abort();
  };
  /** Sleeps until `dueMs` or until the clock is touched, whichever is first. */
  const sleepOnce = async (dueMs: number, signal: AbortSignal | undefined) => {
    const touched = new AbortController();
    sleepers.add(touched);
    try {
      const either = signal ? AbortSignal.any([signal, touched.signal]) : touched.signal;
      const leftMs = Math.max(0, dueMs - now());
      await (frozenAtMs === undefined || leftMs === 0
        ? base.sleep(leftMs, either)
        : rejectWhenAborted(either));
      return true;
    } catch (error) {
      if (signal?.aborted || !touched.signal.aborted) throw error;
      return now() >= dueMs;
    } finally {
      sleepers.delete(touched);
    }
  };

  return {
    now,
    timer: base.timer,
    async sleep(ms, signal) {
      const dueMs = now() + ms;
      while (!(await sleepOnce(dueMs, signal)));
    },
    reading: () => ({
      nowMs: now(),
      frozen: frozenAtMs !== undefined,
      aheadMs: now() - base.now(),
    }),
    freeze(atMs) {
      frozenAtMs = atMs ?? now();
      wakeSleepers();
    },
    advance(ms) {
      if (frozenAtMs === undefined) aheadMs += ms;
      else frozenAtMs += ms;
      wakeSleepers();
    },
    resume(from = 'here') {
      aheadMs = from === 'here' ? now() - base.now() : 0;
      frozenAtMs = undefined;
      wakeSleepers();
    },
  };
}

function rejectWhenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const onAbort = () => {
      reject(signal.reason as Error);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}
