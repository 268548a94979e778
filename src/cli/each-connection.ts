import { isKeyshiftError, type KeyshiftError } from '../errors/keyshift-error.ts';
import type { Connection } from '../model/connection.ts';
import type { Store } from '../store/store.ts';
import { selectConnections, type Selection } from './select-connections.ts';

/** How a command went over its connections. */
export interface BatchResult {
  readonly done: number;
  readonly skipped: number;
  readonly failures: readonly BatchFailure[];
}

/** A connection that a command left as it was, and why. */
export interface BatchFailure {
  readonly customerId: string;
  readonly error: KeyshiftError;
}

/** How {@link eachConnection} goes about it. */
export interface BatchOptions {
  /** Connections at the same time; one by default. */
  readonly concurrency?: number;
  /** Told after every connection, also a skipped one, how many were looked at. */
  readonly onProgress?: (lookedAt: number) => void;
}

/**
 * Does one step for each selected connection. One that fails does not stop the others; unless they
 * are named, connections at a stage the step is not for are skipped without a word.
 */
export async function eachConnection(
  store: Store,
  selection: Selection,
  isCandidate: (connection: Connection) => boolean,
  step: (connection: Connection) => Promise<unknown>,
  signal: AbortSignal,
  options: BatchOptions = {},
): Promise<BatchResult> {
  let done = 0;
  let skipped = 0;
  let lookedAt = 0;
  const failures: BatchFailure[] = [];
  const waiting = selectConnections(store, selection);
  const work = async () => {
    for (;;) {
      if (signal.aborted) return;
      const next = await waiting.next();
      if (next.done) return;
      const connection = next.value;
      if (selection.customer === undefined && !isCandidate(connection)) {
        skipped += 1;
      } else {
        try {
          await step(connection);
          done += 1;
        } catch (error) {
          // Whoever pressed Ctrl-C asked for it: the connection is as it was.
          if (error === signal.reason) return;
          if (!isKeyshiftError(error)) throw error;
          failures.push({ customerId: connection.customerId, error });
        }
      }
      options.onProgress?.((lookedAt += 1));
    }
  };
  await Promise.all(Array.from({ length: options.concurrency ?? 1 }, work));
  return { done, skipped, failures };
}
