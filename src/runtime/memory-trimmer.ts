import { Session } from 'node:inspector';

/** Keeps the memory of a long job flat. */
export interface MemoryTrimmer {
  /** Call it with the work done so far; it collects garbage each time another `every` is done. */
  worked(done: number): void;
  close(): void;
}

/**
 * Creates the trimmer. What a long job keeps is small, but V8 lets what it drops pile up to a few
 * hundred megabytes before it looks. A collection takes some milliseconds.
 *
 * @example
 * ```ts
 * const trimmer = createMemoryTrimmer(2_000);
 * for (let rows = 0; rows < 50_000; rows += 250) trimmer.worked(rows);
 * trimmer.close();
 * ```
 */
export function createMemoryTrimmer(every: number): MemoryTrimmer {
  // The inspector's own command: `gc()` exists only in a process that was started for it.
  const session = new Session();
  session.connect();
  let rounds = 0;
  return {
    worked(done) {
      const round = Math.floor(done / every);
      if (round === rounds) return;
      rounds = round;
      session.post('HeapProfiler.collectGarbage');
    },
    close() {
      session.disconnect();
    },
  };
}
