import { systemClock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import { isSqliteBusy } from './sqlite-error.ts';

/** How long SQLite itself waits for a lock: meanwhile the whole process stands still. */
export const blockingWaitMs = 20;
/** The longest pause between two attempts, during which the process goes on. */
const pauseMs = 20;
/** How long a lock is waited for altogether. */
const lockTimeoutMs = 5_000;

/**
 * Runs a statement, again and again while another connection holds the lock it needs. Rejects with
 * the last error of SQLite after about five seconds.
 */
export async function whenUnlocked<Result>(random: Random, run: () => Result): Promise<Result> {
  for (let waitedMs = 0; ;) {
    try {
      return run();
    } catch (error) {
      if (!isSqliteBusy(error) || waitedMs >= lockTimeoutMs) throw error;
    }
    // By the machine's clock: whoever holds the lock works in real time, perhaps in this process.
    const pause = 1 + pauseMs * random.fraction();
    await systemClock.sleep(pause);
    waitedMs += blockingWaitMs + pause;
  }
}
