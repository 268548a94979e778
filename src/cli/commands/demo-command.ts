import type { Command } from 'commander';
import { systemClock } from '../../runtime/clock.ts';
import { systemRandom } from '../../runtime/random.ts';
import type { CommandContext } from '../command-context.ts';
import { createDemoDatabase } from '../demo/demo-database.ts';
import { runDemo, type DemoOutcome, type DemoReport } from '../demo/run-demo.ts';
import { readDatabaseUrl } from '../environment.ts';
import { whole } from '../options.ts';
import type { Terminal } from '../terminal.ts';

interface DemoFlags {
  readonly customers: number;
  readonly seed: number;
  readonly json?: boolean;
}

/** `keyshift demo`: the whole journey against the sandbox, in a terminal. */
export function addDemoCommand(program: Command, { terminal, run }: CommandContext): void {
  program
    .command('demo')
    .description('play the whole migration against the built-in sandbox')
    .option('--customers <n>', 'number of customers, at least 4', whole(4, 5_000), 50)
    .option('--seed <n>', 'a different seed gives different customers', whole(0, 2 ** 32 - 1), 7)
    .option('--json', 'print one JSON object')
    .action(
      run(async (flags: DemoFlags) => {
        const startedMs = systemClock.now();
        const database = await createDemoDatabase(readDatabaseUrl(), systemRandom);
        const abort = new AbortController();
        process.once('SIGINT', () => {
          abort.abort();
        });
        try {
          if (flags.json !== true) {
            terminal.print(
              `${flags.customers} customers with private keys move to OAuth (sandbox, ${database.description})`,
            );
          }
          const { signal } = abort;
          const report = await runDemo({ ...flags, database, terminal, signal });
          if (flags.json === true) terminal.print(JSON.stringify(report));
          else printReport(terminal, report, systemClock.now() - startedMs);
          return addsUp(report) ? 0 : 1;
        } finally {
          await database.drop();
        }
      }),
    );
}

function addsUp({ customers, outcomes }: DemoReport): boolean {
  return sum(outcomes) === customers && outcomes.unfinished === 0;
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

const outcomeWords = {
  moved_to_oauth: 'moved to OAuth, stored key destroyed',
  declined: 'declined in Klaviyo; still on the key',
  wrong_account: 'chose a different account; nothing changed',
  key_invalid: 'private key rejected by Klaviyo; not invited',
  unfinished: 'unfinished',
} as const satisfies Record<DemoOutcome, string>;

function printReport(terminal: Terminal, report: DemoReport, tookMs: number): void {
  const { customers, steps, outcomes, calls } = report;
  const row = (label: string, count: number) => {
    terminal.print(`  ${label.padEnd(46)}${String(count).padStart(5)}`);
  };
  terminal.print();
  terminal.print('Steps');
  row('imported from the file', steps.imported);
  row('keys checked, account learned', steps.checked);
  row('invited', steps.invited);
  row('cut over to OAuth', steps.cutOver);
  row('calls with old keys that went out over OAuth', calls.oauth);
  row('calls with old keys that went out with the key', calls.key);
  row('calls that failed', calls.failed);
  row('private keys destroyed', steps.retired);
  terminal.print();
  terminal.print('Outcomes');
  for (const [outcome, count] of Object.entries(outcomes) as [DemoOutcome, number][]) {
    if (count > 0 || outcome !== 'unfinished') row(outcomeWords[outcome], count);
  }
  row(`sum, of ${customers} customers`, sum(outcomes));
  terminal.print();
  terminal.print(
    `${addsUp(report) ? 'Every customer is accounted for' : 'The numbers do not add up'}; took ${(tookMs / 1000).toFixed(1)} s.`,
  );
}
