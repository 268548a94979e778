import type { Command } from 'commander';
import type { Workbench } from '../../core/workbench.ts';
import type { Store } from '../../store/store.ts';
import { count } from '../../runtime/count.ts';
import { parseScopes } from '../../klaviyo/scope-set.ts';
import { planKeyChecks } from '../../migration/operate/consent-steps.ts';
import { checkKeys, type KeyCheck, type KeyVerdict } from '../../migration/import/check-keys.ts';
import { printPlan } from '../batch.ts';
import { addChangeOptions, concurrencyOption, type ChangeFlags } from '../options.ts';
import { withWorkbench } from '../run-with.ts';
import type { CommandContext } from '../command-context.ts';
import type { Terminal } from '../terminal.ts';

interface CheckFlags extends ChangeFlags {
  readonly keyScopes?: boolean;
  readonly concurrency: number;
  /** Where the customer stands in the file that was imported. */
  readonly lineOf?: (customerId: string) => number | undefined;
}

/** What a round of key checks found. */
export interface CheckSummary {
  readonly counts: ReadonlyMap<KeyVerdict, number>;
  /** Checks that a person should look at. */
  readonly findings: readonly KeyCheck[];
  /** How many of them are more than a remark. */
  readonly problems: number;
  /** Keys without a verdict: nobody was there to ask, or the check was stopped. */
  readonly left: number;
}

/** `keyshift check`: asks Klaviyo about every key that was not checked yet. */
export function addCheckCommand(program: Command, { terminal, run }: CommandContext): void {
  addChangeOptions(program.command('check'))
    .description('check imported private keys with Klaviyo and learn their accounts')
    .option('--key-scopes', 'find out which of the required scopes each key has')
    .addOption(concurrencyOption())
    .option('--json', 'print one JSON object')
    .action(
      run((flags: CheckFlags) =>
        withWorkbench(async (workbench, { signal }) => {
          if (flags.dryRun === true) {
            return printPlan(terminal, planKeyChecks(workbench.store), flags);
          }
          const summary = await runKeyChecks(workbench, terminal, flags, signal);
          if (flags.json === true) terminal.print(JSON.stringify(toCheckJson(summary)));
          return summary.problems > 0 || summary.left > 0 ? 2 : 0;
        }),
      ),
    );
}

/** Connections whose key has no verdict yet: nobody can be invited before. */
export async function countUnchecked(store: Store): Promise<number> {
  return (await store.connections.countByStage())
    .filter(({ stage }) => stage === 'imported')
    .reduce((sum, each) => sum + each.count, 0);
}

/** Runs the checks with a progress bar, and prints what they found. */
export async function runKeyChecks(
  workbench: Workbench,
  terminal: Terminal,
  flags: CheckFlags,
  signal: AbortSignal,
): Promise<CheckSummary> {
  const { store, machine, lookUpAccount, readKeyScopes, config } = workbench;
  const waiting = await countUnchecked(store);
  const findings: KeyCheck[] = [];
  const bar = terminal.progress('checking keys', waiting);
  let done = 0;
  const counts = await checkKeys({
    store,
    machine,
    lookUpAccount,
    actor: 'cli',
    concurrency: flags.concurrency,
    signal,
    ...(flags.keyScopes === true && {
      scopes: { read: readKeyScopes, needed: parseScopes(config.scope) },
    }),
    onChecked: (check) => {
      bar.update((done += 1));
      if (isProblem(check) || isRemark(check)) findings.push(check);
    },
  }).finally(() => {
    bar.stop();
  });
  if (flags.json !== true) printSummary(terminal, counts, findings, flags.lineOf);
  const left = await countUnchecked(store);
  if (left > 0) {
    const why = signal.aborted ? 'Stopped early' : 'Klaviyo did not answer';
    terminal.note(`${why}: ${left} of ${count(waiting, 'key')} not checked. Next: keyshift check`);
  }
  return { counts, findings, problems: findings.filter(isProblem).length, left };
}

function isProblem({ verdict, testAccount, scopes }: KeyCheck): boolean {
  return verdict !== 'checked' || testAccount || (scopes?.missing.length ?? 0) > 0;
}

function isRemark({ sharedWith, scopes }: KeyCheck): boolean {
  return sharedWith.length > 0 || scopes !== undefined;
}

function printSummary(
  terminal: Terminal,
  counts: ReadonlyMap<KeyVerdict, number>,
  findings: readonly KeyCheck[],
  lineOf: CheckFlags['lineOf'],
): void {
  for (const check of findings) {
    const line = lineOf?.(check.connection.customerId);
    const where = line === undefined ? '' : `line ${line}: `;
    terminal.note(`${where}${check.connection.customerId}: ${describe(check)}`);
  }
  const parts = [...counts].map(([verdict, count]) => `${count} ${verdictWords[verdict]}`);
  terminal.print(`Keys: ${parts.join(', ') || 'none to check'}`);
}

function describe({ verdict, detail, testAccount, sharedWith, scopes }: KeyCheck): string {
  const words = verdict === 'checked' ? [] : [detail ?? verdict];
  if (testAccount) words.push('test account');
  if (sharedWith.length > 0) words.push(`same account as ${sharedWith.join(', ')}`);
  if (scopes) {
    const { source, granted, missing, unknown } = scopes;
    words.push(`scopes ${source}: ${granted.join(' ') || 'none found'}`);
    if (missing.length > 0) words.push(`lacks ${missing.join(' ')}`);
    if (unknown.length > 0) words.push(`unknown: ${unknown.join(' ')}`);
  }
  return words.join('; ');
}

const verdictWords = {
  checked: 'checked',
  key_invalid: 'rejected by Klaviyo',
  scope_missing: 'without accounts:read',
  no_key: 'missing',
  unreachable: 'without an answer (run `keyshift check` again)',
  failed: 'not recorded (run `keyshift check` again)',
} as const satisfies Record<KeyVerdict, string>;

/** The summary as the commands' JSON shows it. */
export function toCheckJson(
  { counts, findings }: CheckSummary,
  lineOf?: (customerId: string) => number | undefined,
) {
  return {
    ...Object.fromEntries(counts),
    findings: findings.map(({ connection, verdict, detail, testAccount, sharedWith, scopes }) => ({
      ...(lineOf && { line: lineOf(connection.customerId) ?? null }),
      customer_id: connection.customerId,
      account_id: connection.accountId ?? null,
      verdict,
      detail: detail ?? null,
      test_account: testAccount,
      shared_with: sharedWith,
      ...(scopes && { key_scopes: scopes }),
    })),
  };
}
