import type { Clock, Timer } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';

/** Writes what is counted in memory to the store, every few seconds and when it is closed. */
export interface WriteBehind {
  /** Adds something to write; it throws to be called again later. */
  add(name: string, write: () => Promise<void>): void;
  /** Says that there is something to write. */
  touch(): void;
  /** Writes now. Failures are logged, and tried again at the next turn. */
  flush(): Promise<void>;
  /** Writes for the last time. */
  close(): Promise<void>;
}

/** A process that dies without warning loses what it counted in so many milliseconds, at most. */
export const flushEveryMs = 2_000;

/** Creates the writer. */
export function createWriteBehind(logger: Pick<Logger, 'warn'>, clock: Clock): WriteBehind {
  const writes = new Map<string, () => Promise<void>>();
  let timer: Timer | undefined;
  let running: Promise<void> | undefined;
  let closed = false;

  async function writeAll(): Promise<void> {
    for (const [name, write] of writes) {
      try {
        await write();
      } catch (error) {
        logger.warn({ err: error, what: name }, 'counts could not be written; they are kept');
        if (!closed) touch();
      }
    }
  }

  function touch(): void {
    if (timer !== undefined || closed) return;
    timer = clock.timer(flushEveryMs, () => {
      timer = undefined;
      void flush();
    });
  }

  async function flush(): Promise<void> {
    // What was counted while an earlier turn was writing is written after it.
    while (running) await running;
    running = writeAll().finally(() => (running = undefined));
    await running;
  }

  return {
    add: (name, write) => void writes.set(name, write),
    touch,
    flush,
    async close() {
      closed = true;
      timer?.cancel();
      await flush();
    },
  };
}
