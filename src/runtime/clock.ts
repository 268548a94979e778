/** Time, passed in so that tests and rehearsals decide how fast it runs. */
export interface Clock {
  /** Milliseconds since the Unix epoch, UTC. */
  now(): number;
  /** Resolves after `ms` milliseconds; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /**
   * Calls `work` after `ms` milliseconds unless the timer is cancelled before, which is cheaper
   * than a sleep. A timer keeps no process alive: what it watches does.
   */
  timer(ms: number, work: () => void): Timer;
}

/** A timer that runs. */
export interface Timer {
  cancel(): void;
  /** Begins anew with the same time, also after it has called; not once it was cancelled. */
  restart(): void;
}

/** The longest time that one timer of Node holds; a longer one would fire at once. */
const longestTimerMs = 2 ** 31 - 1;

/** The machine's clock: the only place that reads it. */
export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(ms, signal) {
    let leftMs = ms;
    for (; leftMs > longestTimerMs; leftMs -= longestTimerMs) await wait(longestTimerMs, signal);
    await wait(leftMs, signal);
  },
  timer: (ms, work) => new SystemTimer(ms, work),
};

/** A class, because every call to Klaviyo has one. */
class SystemTimer implements Timer {
  readonly #timeout: NodeJS.Timeout;

  /** More than 24 days are as good as endless. */
  constructor(ms: number, work: () => void) {
    this.#timeout = setTimeout(work, Math.min(Math.max(1, ms), longestTimerMs));
    this.#timeout.unref();
  }

  cancel(): void {
    clearTimeout(this.#timeout);
  }

  restart(): void {
    this.#timeout.refresh();
  }
}

function wait(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** A clock that stands still until it is told to move. */
export interface ManualClock extends Clock {
  /** Moves time forward and wakes every sleeper that is due, in order. */
  advance(ms: number): Promise<void>;
}

/**
 * Creates a clock for tests: `now()` starts at `startMs` and moves only by `advance`.
 *
 * @example
 * ```ts
 * const clock = createManualClock(1_800_000_000_000);
 * const slept = clock.sleep(5_000);
 * await clock.advance(5_000);
 * await slept;
 * ```
 */
export function createManualClock(startMs = 1_800_000_000_000): ManualClock {
  let nowMs = startMs;
  const sleepers = new Set<{ dueMs: number; wake: () => void }>();
  return {
    now: () => nowMs,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) {
          reject(signal.reason as Error);
          return;
        }
        const onAbort = () => {
          sleepers.delete(sleeper);
          reject(signal?.reason as Error);
        };
        const sleeper = {
          dueMs: nowMs + ms,
          wake: () => {
            signal?.removeEventListener('abort', onAbort);
            resolve();
          },
        };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', onAbort, { once: true });
      }),
    timer(ms, work) {
      const timer = { dueMs: nowMs + ms, wake: work };
      sleepers.add(timer);
      return {
        cancel: () => void sleepers.delete(timer),
        restart() {
          timer.dueMs = nowMs + ms;
          sleepers.add(timer);
        },
      };
    },
    async advance(ms) {
      const targetMs = nowMs + ms;
      for (;;) {
        const next = [...sleepers]
          .filter((sleeper) => sleeper.dueMs <= targetMs)
          .sort((a, b) => a.dueMs - b.dueMs)[0];
        if (!next) break;
        sleepers.delete(next);
        nowMs = Math.max(nowMs, next.dueMs);
        next.wake();
        await new Promise((resolve) => setImmediate(resolve));
      }
      nowMs = targetMs;
      // Whoever waits for more than the clock (a database, a socket) gets a turn as well.
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}
