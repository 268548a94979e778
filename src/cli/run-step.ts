import type { Keyshift } from '../core/create-keyshift.ts';
import type { Connection } from '../store/records.ts';
import { countSelected } from './count-selected.ts';
import { eachConnection, type BatchResult } from './each-connection.ts';
import { reportFailures } from './report-failures.ts';
import { withKeyshift } from './run-with.ts';
import type { Selection } from './select-connections.ts';
import type { Terminal } from './terminal.ts';

/** The flags of every command that takes connections a step further, or back. */
export interface StepFlags extends Selection {
  readonly json?: boolean;
}

/** One command that takes connections a step further, or back. */
export interface Step<Flags extends StepFlags> {
  /** What the summary says was done. */
  readonly doneWord: string;
  readonly isCandidate: (connection: Connection) => boolean;
  readonly run: (keyshift: Keyshift, connection: Connection, flags: Flags) => Promise<unknown>;
  /** Said beside the answer, before anything is done. */
  readonly warn?: (keyshift: Keyshift) => Promise<string | undefined>;
}

/** So many connections at once: each is another account, with limits of its own, as a rule. */
export const stepConcurrency = 8;

/** The action of a command that does its step for each selected connection. */
export function runStep<Flags extends StepFlags>(terminal: Terminal, step: Step<Flags>) {
  return (flags: Flags) =>
    withKeyshift(async (keyshift, { signal }) => {
      const warning = await step.warn?.(keyshift);
      if (warning !== undefined) terminal.note(warning);
      const bar = terminal.progress('connections', await countSelected(keyshift.store, flags));
      const result = await eachConnection(
        keyshift.store,
        flags,
        step.isCandidate,
        (connection) => step.run(keyshift, connection, flags),
        signal,
        { concurrency: stepConcurrency, onProgress: bar.update },
      ).finally(bar.stop);
      if (flags.json === true) {
        terminal.print(JSON.stringify({ ...result, failures: toFailuresJson(result) }));
      } else {
        reportFailures(terminal, result);
        terminal.print(
          `${result.done} ${step.doneWord}, ${result.failures.length} failed, ` +
            `${result.skipped} at other stages`,
        );
      }
      return result.failures.length > 0 ? 1 : 0;
    });
}

/** The failures of a batch as the commands' JSON shows them. */
export function toFailuresJson({ failures }: BatchResult) {
  return failures.map(({ customerId, error }) => ({ customer_id: customerId, ...error.toJSON() }));
}
