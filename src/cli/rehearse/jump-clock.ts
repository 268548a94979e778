import { systemClock, type Clock } from '../../runtime/clock.ts';

/** A clock that stands still while there is work, and jumps when everybody waits for it. */
export interface JumpClock extends Clock {
  /** Moves to a time, never back, and wakes whoever slept until then. */
  jumpTo(atMs: number): void;
  /** Tells the clock that work goes on. */
  noteWork(): void;
  /** Lets nobody wait any longer. */
  close(): void;
}

interface Sleeper {
  readonly dueMs: number;
  readonly wake: () => void;
}

/** So long nothing may happen, in real milliseconds, until the clock takes it that all wait for it. */
const idleMs = 4;

/**
 * Creates the clock. Time passes in jumps: to the next event of the rehearsal, or, when every
 * task under way sleeps, to the moment the first of them wakes up. So a campaign of weeks takes as
 * long as its work.
 */
export function createJumpClock(startMs: number): JumpClock {
  let nowMs = startMs;
  let work = 0;
  let watching = false;
  let closed = false;
  const sleepers = new Set<Sleeper>();

  const jumpTo = (atMs: number) => {
    nowMs = Math.max(nowMs, atMs);
    for (const sleeper of sleepers) {
      if (sleeper.dueMs > nowMs) continue;
      sleepers.delete(sleeper);
      sleeper.wake();
    }
  };

  const watch = () => {
    if (watching || closed || sleepers.size === 0) return;
    watching = true;
    const seen = work;
    const look = () => {
      watching = false;
      if (work === seen && sleepers.size > 0) {
        jumpTo(Math.min(...[...sleepers].map(({ dueMs }) => dueMs)));
      }
      watch();
    };
    // Whatever waits for its turn in the event loop has it before anybody is called idle.
    void systemClock.sleep(idleMs).then(() => setImmediate(() => setImmediate(look)));
  };

  return {
    now: () => nowMs,
    // Deadlines are about work that is going on, which takes real time.
    timer: systemClock.timer,
    jumpTo,
    noteWork: () => void (work += 1),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        work += 1;
        if (signal?.aborted) {
          reject(signal.reason as Error);
          return;
        }
        const onAbort = () => {
          sleepers.delete(sleeper);
          reject(signal?.reason as Error);
        };
        const sleeper: Sleeper = {
          dueMs: nowMs + ms,
          wake: () => {
            work += 1;
            signal?.removeEventListener('abort', onAbort);
            resolve();
          },
        };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', onAbort, { once: true });
        watch();
      }),
    close() {
      closed = true;
    },
  };
}
