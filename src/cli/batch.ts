import type { KeyshiftParts } from '../core/create-keyshift.ts';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import {
  applyPlan,
  planFor,
  type Action,
  type PlanItem,
  type Skip,
  type UseCase,
} from '../migration/operate/plan.ts';
import { countSelected, type Selection } from '../migration/operate/selection.ts';
import type { Connection } from '../model/connection.ts';
import type { Store } from '../store/store.ts';
import { toSelection, type ChangeFlags, type SelectionFlags } from './options.ts';
import { withKeyshift, type Run } from './run-with.ts';
import { count } from '../runtime/count.ts';
import { formatTable, type Terminal } from './terminal.ts';

/** The flags of every command that goes over connections. */
export interface BatchFlags extends SelectionFlags, ChangeFlags {}

/** What a person is asked before a command goes on; see {@link mayGoOn}. */
export type Caution =
  /** Nothing: it can be run again, and nobody's traffic or messages depend on it. */
  | 'none'
  /** Whether so many connections may change, where they are many. */
  | 'many'
  /** Always: there is no way back from what the sentence says. */
  | { readonly final: string };

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
  /** Printed with `--json`, beside the failures; without it, the lines so far were the answer. */
  readonly json?: Readonly<Record<string, unknown>>;
  /** Lines beside the answer. */
  readonly notes?: readonly string[];
  readonly text?: string;
  /** Used when no connection failed; 0 by default. */
  readonly exitCode?: number;
}

/** A command that does something with each selected connection. */
export interface Batch<Bench, Change, Result> {
  /** Made anew for each plan: a use case is for one run. */
  readonly useCase: (bench: Bench) => UseCase<Change, Result> | Promise<UseCase<Change, Result>>;
  readonly caution: Caution;
  readonly finish: (result: BatchResult<Result>) => BatchOutput | Promise<BatchOutput>;
  /** Said beside the answer, before anything is done. */
  readonly warn?: (bench: Bench) => Promise<string | undefined>;
  /** Told of each result as it comes; it is not kept for `finish` then. */
  readonly onDone?: (result: Result) => void | Promise<void>;
  /** Whether the answer comes line by line, so that a bar would run through it. */
  readonly printsAsItGoes?: boolean;
  /** Connections at once: each is another account, with limits of its own, as a rule. 8 by default. */
  readonly concurrency?: number;
}

/** Whoever acts by the command line, in the audit log. */
export const actor = 'cli';

/** Plans a batch and applies it, or with `--dry-run` prints the plan; returns the exit code. */
export function runBatch<Change, Result>(
  terminal: Terminal,
  flags: BatchFlags,
  batch: Batch<KeyshiftParts, Change, Result>,
): Promise<number> {
  const selection = toSelection(flags);
  return withKeyshift((keyshift, run) =>
    runBatchOn(keyshift, terminal, { ...flags, selection }, batch, run),
  );
}

/** {@link runBatch} with what the command opened itself, for connections it chose itself. */
export async function runBatchOn<Bench extends { readonly store: Store }, Change, Result>(
  bench: Bench,
  terminal: Terminal,
  flags: ChangeFlags & { readonly selection: Selection },
  batch: Batch<Bench, Change, Result>,
  run: Run,
): Promise<number> {
  const { selection } = flags;
  const { store } = bench;
  const warning = await batch.warn?.(bench);
  if (warning !== undefined) terminal.note(warning);
  const plan = async function* () {
    yield* planFor(store, selection, await batch.useCase(bench));
  };
  if (flags.dryRun === true) {
    return printPlan(terminal, plan(), flags, (skip) => isFailure(skip, selection));
  }
  if (!(await mayGoOn(terminal, flags, batch.caution, plan))) return 1;
  const result = await applyBatch(terminal, bench, selection, batch, run);
  return printResult(terminal, flags, result, await batch.finish(result));
}

async function applyBatch<Bench extends { readonly store: Store }, Change, Result>(
  terminal: Terminal,
  bench: Bench,
  selection: Selection,
  batch: Batch<Bench, Change, Result>,
  { signal }: Run,
): Promise<BatchResult<Result>> {
  const { store } = bench;
  const { onDone, printsAsItGoes = false, concurrency = 8 } = batch;
  const useCase = await batch.useCase(bench);
  const done: { connection: Connection; result: Result }[] = [];
  const [changed, failures]: [BatchFailure[], BatchFailure[]] = [[], []];
  let [skipped, lookedAt] = [0, 0];
  const bar = printsAsItGoes
    ? undefined
    : terminal.progress('connections', await countSelected(store, selection));
  await applyPlan(store, planFor(store, selection, useCase), useCase, {
    ...{ actor, signal, concurrency },
    async onOutcome(outcome) {
      const { connection } = outcome;
      const { customerId } = connection;
      if (outcome.kind === 'done') {
        if (onDone) await onDone(outcome.result);
        else done.push({ connection, result: outcome.result });
      } else if (outcome.kind === 'failed') failures.push({ customerId, error: outcome.error });
      else if (outcome.skip.code === 'changed') {
        changed.push({ customerId, error: outcome.skip.error });
      } else if (isFailure(outcome.skip, selection)) {
        failures.push({ customerId, error: outcome.skip.error });
      } else skipped += 1;
      bar?.update((lookedAt += 1));
    },
  }).finally(() => bar?.stop());
  return { done, skipped, changed, failures };
}

/** One decision, as a command makes it. */
export interface ActionRun<Result> {
  readonly action: Action<Result>;
  /** Whether it is about one customer, so that it fails when that one is skipped. */
  readonly namesCustomer?: boolean;
  readonly caution: Caution;
  /** Prints what was done; returns the exit code. */
  readonly finish: (result: Result) => number | Promise<number>;
}

/** Takes an action, or with `--dry-run` prints its plan; returns the exit code. */
export async function runAction<Result>(
  terminal: Terminal,
  flags: ChangeFlags,
  { action, namesCustomer = false, caution, finish }: ActionRun<Result>,
): Promise<number> {
  if (flags.dryRun === true) {
    const fails = ({ code }: Skip) => namesCustomer && code !== 'already';
    return printPlan(terminal, action.plan(), flags, fails);
  }
  if (!(await mayGoOn(terminal, flags, caution, action.plan))) return 1;
  return finish(await action.apply(actor));
}

/** So many connections change without a question. */
const unasked = 10;
/** Nobody waits for an exact count of more than these. */
const countedAtMost = 1_000;

/**
 * Asks the person at the terminal whether a plan may be applied: where it is final, and where more
 * than ten connections would change. `--yes` answers beforehand; a script goes on without it,
 * except where it is final.
 *
 * @throws KeyshiftError `request_invalid` for what is final, without `--yes` and without a terminal
 */
export async function mayGoOn(
  terminal: Terminal,
  { yes }: ChangeFlags,
  caution: Caution,
  plan: () => AsyncIterable<PlanItem<unknown>>,
): Promise<boolean> {
  if (yes === true || caution === 'none') return true;
  const final = caution === 'many' ? undefined : caution.final;
  if (!terminal.interactive) {
    if (final === undefined) return true;
    // What is wrong with the selection is said first.
    for await (const _ of plan()) break;
    throw new KeyshiftError('request_invalid', `${final} This needs a confirmation.`, {
      fix: 'Add --yes to confirm, or --dry-run to see what would change.',
    });
  }
  let changes = 0;
  for await (const { kind } of plan()) {
    if (kind === 'change') changes += 1;
    if (changes === countedAtMost) break;
  }
  if (changes === 0 || (final === undefined && changes <= unasked)) return true;
  const many =
    changes === countedAtMost ? `${changes} or more connections` : count(changes, 'connection');
  const question = [final, `${many} would change. Go on? [y/N] `].filter(Boolean).join(' ');
  if (await terminal.ask(question)) return true;
  terminal.note('Nothing was changed.');
  return false;
}

/**
 * Whether a connection that stays as it is has to be told about: whoever is named was meant, and
 * of many, those that could be ready and are not. The others are at other stages, as is usual.
 */
function isFailure({ code }: Skip, { customers }: Selection): boolean {
  if (code === 'already') return false;
  return customers !== undefined || code === 'not_ready' || code === 'no_credential';
}

function printResult<Result>(
  terminal: Terminal,
  { json }: ChangeFlags,
  { changed, failures }: BatchResult<Result>,
  output: BatchOutput,
): number {
  if (json === true && output.json) {
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
    reportFailures(terminal, [...failures, ...changed]);
    for (const note of output.notes ?? []) terminal.note(note);
    if (output.text !== undefined) terminal.print(output.text);
  }
  if (failures.length > 0) return 1;
  return changed.length > 0 ? 2 : (output.exitCode ?? 0);
}

/** Says for each connection that was left as it was why, and what to do. */
function reportFailures(terminal: Terminal, failures: readonly BatchFailure[]): void {
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
  { json }: ChangeFlags,
  fails: (skip: Skip) => boolean = () => false,
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
      if (fails(item.skip)) failures.push({ customerId, error });
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
