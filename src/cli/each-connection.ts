import { isKeyshiftError, type KeyshiftError } from '../errors/keyshift-error.ts';
import type { Connection } from '../store/records.ts';
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

/**
 * Does one step for each selected connection. One that fails does not stop the others; with
 * `--all`, connections at a stage the step is not for are skipped without a word.
 */
export async function eachConnection(
  store: Store,
  selection: Selection,
  isCandidate: (connection: Connection) => boolean,
  step: (connection: Connection) => Promise<unknown>,
  signal: AbortSignal,
): Promise<BatchResult> {
  let done = 0;
  let skipped = 0;
  const failures: BatchFailure[] = [];
  for await (const connection of selectConnections(store, selection)) {
    if (signal.aborted) break;
    if (selection.all === true && !isCandidate(connection)) {
      skipped += 1;
      continue;
    }
    try {
      await step(connection);
      done += 1;
    } catch (error) {
      if (!isKeyshiftError(error)) throw error;
      failures.push({ customerId: connection.customerId, error });
    }
  }
  return { done, skipped, failures };
}
