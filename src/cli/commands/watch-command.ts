import type { Command } from 'commander';
import type { WatchReport } from '../../migration/cutover/watch.ts';
import { planWatch } from '../../migration/operate/traffic-steps.ts';
import { printPlan } from '../batch.ts';
import { addChangeOptions, type ChangeFlags } from '../options.ts';
import { withKeyshift } from '../run-with.ts';
import type { CommandContext } from '../command-context.ts';
import type { Terminal } from '../terminal.ts';
import { count } from '../../runtime/count.ts';

interface WatchFlags extends ChangeFlags {
  readonly once?: boolean;
}

/** `keyshift watch`: holds connections on which OAuth does worse than the key. */
export function addWatchCommand(program: Command, { terminal, run }: CommandContext): void {
  addChangeOptions(program.command('watch'))
    .description('put connections on hold whose calls fail more often over OAuth than with the key')
    .option('--once', 'look once and exit; without it, every half minute until Ctrl-C')
    .option('--json', 'print one JSON object; only with --once')
    .action(
      run((flags: WatchFlags) =>
        withKeyshift(async ({ store, watch }, { signal }) => {
          if (flags.dryRun === true) return printPlan(terminal, planWatch(store, watch), flags);
          if (flags.once !== true) {
            terminal.note('watching every half minute; Ctrl-C stops it');
            await watch.run(signal);
            return 0;
          }
          const report = await watch.round(signal);
          if (flags.json === true) terminal.print(JSON.stringify(toJson(report)));
          else printText(terminal, report);
          return report.held.length + report.failingTogether > 0 ? 2 : 0;
        }),
      ),
    );
}

function printText(terminal: Terminal, report: WatchReport): void {
  const { watched, held, failingTogether, verified, waiting } = report;
  for (const { customerId, rolledBack, reason } of held) {
    const what = rolledBack
      ? 'back on its key'
      : `still on OAuth: see \`keyshift rollback --customer ${customerId}\``;
    terminal.note(`${customerId}: ${reason}; ${what}`);
  }
  if (failingTogether > 0) {
    terminal.note(
      `${failingTogether} live connections began to fail at once; none of them was put on hold: ` +
        'check Klaviyo and the app, not the customers.',
    );
  }
  terminal.print(
    `${watched} on OAuth or canary, ${held.length} put on hold; ` +
      `${count(verified, 'consent')} verified, ${waiting} still without an answer`,
  );
}

function toJson({ held, failingTogether, ...counts }: WatchReport) {
  return {
    ...counts,
    failing_together: failingTogether,
    held: held.map(({ customerId, rolledBack, reason }) => ({
      ...{ customer_id: customerId, rolled_back: rolledBack, reason },
    })),
  };
}
