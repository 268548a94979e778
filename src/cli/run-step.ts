import { settledMs } from '../calls/recent-reads.ts';
import type { Keyshift } from '../core/create-keyshift.ts';
import type { Connection } from '../model/connection.ts';
import { countSelected } from './count-selected.ts';
import { eachConnection, type BatchResult } from './each-connection.ts';
import { reportFailures } from './report-failures.ts';
import { withKeyshift } from './run-with.ts';
import type { Selection } from './select-connections.ts';
import type { Terminal } from './terminal.ts';

/** The flags of every command that goes over connections. */
export interface StepFlags extends Selection {
  readonly json?: boolean;
}

/** What a command says when it has been at every connection. */
export interface BatchOutput {
  /** Printed with `--json`, beside the failures. */
  readonly json: Readonly<Record<string, unknown>>;
  /** Lines beside the answer. */
  readonly notes: readonly string[];
  readonly text: string;
  /** Used when no connection failed. */
  readonly exitCode: number;
}

/** A command that does something with each selected connection. */
export interface Batch {
  readonly isCandidate: (connection: Connection) => boolean;
  readonly step: (
    keyshift: Keyshift,
    connection: Connection,
    signal: AbortSignal,
  ) => Promise<unknown>;
  readonly finish: (result: BatchResult) => BatchOutput;
  /** Said beside the answer, before anything is done. */
  readonly warn?: (keyshift: Keyshift) => Promise<string | undefined>;
  /** Whether it moves traffic: then every process knows when the command ends. */
  readonly movesRoutes?: boolean;
}

/** So many connections at once: each is another account, with limits of its own, as a rule. */
const concurrency = 8;

/** Runs a batch with a progress bar, and prints what came of it; answers the exit code. */
export function runBatch(terminal: Terminal, flags: StepFlags, batch: Batch): Promise<number> {
  return withKeyshift(async (keyshift, { signal }) => {
    const warning = await batch.warn?.(keyshift);
    if (warning !== undefined) terminal.note(warning);
    const bar = terminal.progress('connections', await countSelected(keyshift.store, flags));
    const result = await eachConnection(
      keyshift.store,
      flags,
      batch.isCandidate,
      (connection) => batch.step(keyshift, connection, signal),
      signal,
      { concurrency, onProgress: bar.update },
    ).finally(bar.stop);
    if (batch.movesRoutes === true && result.done > 0) await keyshift.clock.sleep(settledMs);
    const { json, notes, text, exitCode } = batch.finish(result);
    if (flags.json === true) {
      terminal.print(JSON.stringify({ ...json, failures: toFailuresJson(result) }));
    } else {
      for (const note of notes) terminal.note(note);
      reportFailures(terminal, result);
      terminal.print(text);
    }
    return result.failures.length > 0 ? 1 : exitCode;
  });
}

/** One command that takes connections a step further, or back. */
export interface Step<Flags extends StepFlags> extends Pick<Batch, 'isCandidate' | 'warn'> {
  /** What the summary says was done. */
  readonly doneWord: string;
  readonly run: (keyshift: Keyshift, connection: Connection, flags: Flags) => Promise<unknown>;
}

/** The action of a command that does one step for each selected connection. */
export function runStep<Flags extends StepFlags>(terminal: Terminal, step: Step<Flags>) {
  return (flags: Flags) =>
    runBatch(terminal, flags, {
      ...step,
      movesRoutes: true,
      step: (keyshift, connection) => step.run(keyshift, connection, flags),
      finish: ({ done, skipped, failures }) => ({
        json: { done, skipped },
        notes: [],
        text:
          `${done} ${step.doneWord}, ${failures.length} failed, ` + `${skipped} at other stages`,
        exitCode: 0,
      }),
    });
}

function toFailuresJson({ failures }: BatchResult) {
  return failures.map(({ customerId, error }) => ({ customer_id: customerId, ...error.toJSON() }));
}
