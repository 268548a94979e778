import type { Command } from 'commander';
import type { Workbench } from '../../core/workbench.ts';
import { checkKeys, type KeyCheck, type KeyVerdict } from '../../migration/check-keys.ts';
import { concurrencyOption } from '../concurrency-option.ts';
import { withWorkbench } from '../run-with.ts';
import type { CommandContext } from '../command-context.ts';
import type { Terminal } from '../terminal.ts';

interface CheckFlags {
  readonly json?: boolean;
  readonly concurrency: number;
}

/** What a round of key checks found. */
export interface CheckSummary {
  readonly counts: ReadonlyMap<KeyVerdict, number>;
  /** Checks that a person should look at. */
  readonly findings: readonly KeyCheck[];
}

/** `keyshift check`: asks Klaviyo about every key that was not checked yet. */
export function addCheckCommand(program: Command, { terminal, run }: CommandContext): void {
  program
    .command('check')
    .description('check imported private keys at Klaviyo and learn their accounts')
    .addOption(concurrencyOption())
    .option('--json', 'print one JSON object')
    .action(
      run((flags: CheckFlags) =>
        withWorkbench(async (workbench, { signal }) => {
          const summary = await runKeyChecks(workbench, terminal, flags, signal);
          if (flags.json === true) terminal.print(JSON.stringify(toCheckJson(summary)));
          return summary.findings.length > 0 ? 2 : 0;
        }),
      ),
    );
}

/** Runs the checks with a progress bar, and prints what they found. */
export async function runKeyChecks(
  workbench: Workbench,
  terminal: Terminal,
  flags: CheckFlags,
  signal: AbortSignal,
): Promise<CheckSummary> {
  const { store, machine, lookUpAccount } = workbench;
  const waiting = (await store.connections.countByStage())
    .filter(({ stage }) => stage === 'imported')
    .reduce((sum, { count }) => sum + count, 0);
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
    onChecked: (check) => {
      bar.update((done += 1));
      if (check.verdict !== 'checked' || check.testAccount) findings.push(check);
    },
  }).finally(() => {
    bar.stop();
  });
  if (flags.json !== true) printSummary(terminal, counts, findings);
  return { counts, findings };
}

function printSummary(
  terminal: Terminal,
  counts: ReadonlyMap<KeyVerdict, number>,
  findings: readonly KeyCheck[],
): void {
  for (const { connection, verdict, detail, testAccount } of findings) {
    const what = testAccount ? 'test account' : (detail ?? verdict);
    terminal.note(`${connection.customerId}: ${what}`);
  }
  const parts = [...counts].map(([verdict, count]) => `${count} ${verdictWords[verdict]}`);
  terminal.print(`Keys: ${parts.join(', ') || 'none to check'}`);
}

const verdictWords = {
  checked: 'checked',
  key_invalid: 'unknown to Klaviyo',
  scope_missing: 'without accounts:read',
  no_key: 'missing',
  unreachable: 'not answered (run `keyshift check` again)',
  failed: 'not recorded (run `keyshift check` again)',
} as const satisfies Record<KeyVerdict, string>;

/** The summary as the commands' JSON shows it. */
export function toCheckJson({ counts, findings }: CheckSummary) {
  return {
    ...Object.fromEntries(counts),
    findings: findings.map(({ connection, verdict, detail, testAccount }) => ({
      customer_id: connection.customerId,
      account_id: connection.accountId ?? null,
      verdict,
      detail: detail ?? null,
      test_account: testAccount,
    })),
  };
}
