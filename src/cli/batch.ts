import type { KeyshiftParts } from '../core/create-keyshift.ts';
import type { KeyshiftError } from '../errors/keyshift-error.ts';
import {
  applyPlan,
  planFor,
  type PlanItem,
  type Skip,
  type UseCase,
} from '../migration/operate/plan.ts';
import { countSelected, type Selection } from '../migration/operate/selection.ts';
import type { Connection } from '../model/connection.ts';
import type { Store } from '../store/store.ts';
import { toSelection, type SelectionFlags } from './options.ts';
import { withKeyshift, type Run } from './run-with.ts';
import { count } from '../runtime/count.ts';
import { formatTable, type Terminal } from './terminal.ts';

/** The flags of every command that goes over connections. */
export interface BatchFlags extends SelectionFlags {
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** How a command went over its connections. */
export interface BatchResult<Result> {
  readonly done: readonly { readonly connection: Connection; readonly result: Result }[];
  readonly skipped: number;
  /** Connections that changed between plan and step: left as they are. */
  readonly changed: readonly BatchFailure[];
  readonly failures: readonly BatchFailure[];
}

/** A connection that a command left as it was, and why. */
export interface BatchFailure {
  readonly customerId: string;
  readonly error: KeyshiftError;
}

/** What a command says when it has been at every connection. */
export interface BatchOutput {
  /** Printed with `--json`, beside the failures. */
  readonly json: Readonly<Record<string, unknown>>;
  /** Lines beside the answer. */
  readonly notes?: readonly string[];
  readonly text: string;
  /** Used when no connection failed; 0 by default. */
  readonly exitCode?: number;
}

/** A command that does something with each selected connection. */
export interface Batch<Change, Result> {
  readonly useCase: (keyshift: KeyshiftParts) => UseCase<Change, Result>;
  readonly finish: (result: BatchResult<Result>) => BatchOutput;
  /** Said beside the answer, before anything is done. */
  readonly warn?: (keyshift: KeyshiftParts) => Promise<string | undefined>;
}

/** So many connections at once: each is another account, with limits of its own, as a rule. */
const concurrency = 8;

/** Whoever acts by the command line, in the audit log. */
export const actor = 'cli';

/** Plans a batch and applies it, or with `--dry-run` prints the plan; returns the exit code. */
export function runBatch<Change, Result>(
  terminal: Terminal,
  flags: BatchFlags,
  batch: Batch<Change, Result>,
): Promise<number> {
  const selection = toSelection(flags);
  return withKeyshift(async (keyshift, run) => {
    const useCase = batch.useCase(keyshift);
    const warning = await batch.warn?.(keyshift);
    if (warning !== undefined) terminal.note(warning);
    const plan = planFor(keyshift.store, selection, useCase);
    if (flags.dryRun === true) return printPlan(terminal, plan, { ...flags, selection });
    const result = await applyBatch(terminal, keyshift.store, selection, useCase, run);
    return printResult(terminal, flags, result, batch.finish(result));
  });
}

async function applyBatch<Change, Result>(
  terminal: Terminal,
  store: Store,
  selection: Selection,
  useCase: UseCase<Change, Result>,
  { signal }: Run,
): Promise<BatchResult<Result>> {
  const done: { connection: Connection; result: Result }[] = [];
  const [changed, failures]: [BatchFailure[], BatchFailure[]] = [[], []];
  let [skipped, lookedAt] = [0, 0];
  const bar = terminal.progress('connections', await countSelected(store, selection));
  await applyPlan(store, planFor(store, selection, useCase), useCase, {
    actor,
    signal,
    concurrency,
    onOutcome(outcome) {
      const { connection } = outcome;
      const { customerId } = connection;
      if (outcome.kind === 'done') done.push({ connection, result: outcome.result });
      else if (outcome.kind === 'failed') failures.push({ customerId, error: outcome.error });
      else if (outcome.skip.code === 'changed') {
        changed.push({ customerId, error: outcome.skip.error });
      } else if (isFailure(outcome.skip, selection)) {
        failures.push({ customerId, error: outcome.skip.error });
      } else skipped += 1;
      bar.update((lookedAt += 1));
    },
  }).finally(bar.stop);
  return { done, skipped, changed, failures };
}

/**
 * Whether a connection that stays as it is has to be told about: whoever is named was meant, and
 * of many, those that could be ready and are not. The others are at other stages, as is usual.
 */
export function isFailure({ code }: Skip, { customers }: Selection): boolean {
  if (code === 'already') return false;
  return customers !== undefined || code === 'not_ready' || code === 'no_credential';
}

function printResult<Result>(
  terminal: Terminal,
  { json }: BatchFlags,
  { changed, failures }: BatchResult<Result>,
  output: BatchOutput,
): number {
  if (json === true) {
    const answer = {
      ...output.json,
      ...(changed.length > 0 && { changed: changed.map(({ customerId }) => customerId) }),
      failures: failures.map(({ customerId, error }) => ({
        customer_id: customerId,
        ...error.toJSON(),
      })),
    };
    terminal.print(JSON.stringify(answer));
  } else {
    for (const note of output.notes ?? []) terminal.note(note);
    reportFailures(terminal, [...failures, ...changed]);
    terminal.print(output.text);
  }
  if (failures.length > 0) return 1;
  return changed.length > 0 ? 2 : (output.exitCode ?? 0);
}

/** Says for each connection that was left as it was why, and what to do. */
export function reportFailures(terminal: Terminal, failures: readonly BatchFailure[]): void {
  for (const { customerId, error } of failures) {
    terminal.note(`${customerId}: ${error.message} Fix: ${error.fix}`);
  }
}

/** The counts that end the answer of every batch. */
export function summarize(
  words: string,
  { skipped, failures, changed }: Pick<BatchResult<unknown>, 'skipped' | 'failures' | 'changed'>,
  separator: ',' | ';' = ',',
): string {
  const late = changed.length === 0 ? '' : `, ${changed.length} changed in the meantime`;
  return `${words}${separator} ${failures.length} failed, ${skipped} at other stages${late}`;
}

/**
 * Prints what would be done, and why not to whom; nothing is changed.
 *
 * @returns 0, or 1 when some connection would fail for a reason that is known by now
 */
export async function printPlan(
  terminal: Terminal,
  plan: AsyncIterable<PlanItem<unknown>>,
  { json, selection }: { readonly json?: boolean; readonly selection: Selection },
): Promise<number> {
  const rows: string[][] = [];
  const changes: object[] = [];
  const skips: object[] = [];
  const failures: BatchFailure[] = [];
  for await (const item of plan) {
    const { customerId } = item.connection;
    if (item.kind === 'change') {
      rows.push([customerId, item.description]);
      changes.push({ customer_id: customerId, change: item.description });
    } else {
      const { code, error } = item.skip;
      skips.push({ customer_id: customerId, code, reason: error.message });
      if (isFailure(item.skip, selection)) failures.push({ customerId, error });
    }
  }
  if (json === true) {
    terminal.print(JSON.stringify({ dry_run: true, changes, skips }));
  } else {
    reportFailures(terminal, failures);
    if (rows.length > 0) {
      for (const line of formatTable(['CUSTOMER', 'WOULD CHANGE'], rows)) terminal.print(line);
    }
    const words = `${count(rows.length, 'connection')} would change, ${skips.length} would not`;
    terminal.print(`${words}. Nothing was changed.`);
  }
  return failures.length > 0 ? 1 : 0;
}
