import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import { systemClock } from '../../runtime/clock.ts';
import type { CommandContext } from '../command-context.ts';
import { whole } from '../options.ts';
import { fewestCustomers } from '../rehearse/people.ts';
import { printRehearsal } from '../rehearse/print-rehearsal.ts';
import { defaultSettings, type RehearsalSettings } from '../rehearse/rehearsal-settings.ts';
import { toReportJson } from '../report/to-report-json.ts';
import { runRehearsal } from '../rehearse/run-rehearsal.ts';

interface RehearseFlags extends RehearsalSettings {
  readonly state?: string;
  readonly json?: boolean;
}

/** `keyshift rehearse`: the whole campaign with simulated people, before the real one. */
export function addRehearseCommand(program: Command, { terminal, run }: CommandContext): void {
  const { customers, seed, days, waves, waveDays } = defaultSettings;
  const { reminderDays, reminders } = defaultSettings;
  const { validDays, quietDays, canaryPercent, canaryDays } = defaultSettings;
  program
    .command('rehearse')
    .description('play the campaign with simulated people against a sandbox, to try out settings')
    .option('--customers <n>', 'customers', whole(fewestCustomers, 50_000), customers)
    .option('--seed <n>', 'a different number gives different people', whole(0, 2 ** 32 - 1), seed)
    .option('--days <n>', 'days the campaign lasts', whole(1, 365), days)
    .option('--waves <list>', 'percent of the customers in each wave', parseWaves, waves)
    .option('--wave-days <n>', 'days between two waves', whole(1, 90), waveDays)
    .option('--reminder-days <n>', 'days between two messages', whole(1, 365), reminderDays)
    .option('--reminders <n>', 'maximum reminders for one invitation', whole(0, 20), reminders)
    .option('--valid-days <n>', 'days an invitation is valid', whole(1, 365), validDays)
    .option(
      '--quiet-days <n>',
      'days without key traffic before a key is destroyed',
      whole(0, 90),
      quietDays,
    )
    .option(
      '--canary-percent <n>',
      'percent of the calls in the canary; 0 for none',
      whole(0, 99),
      canaryPercent,
    )
    .option('--canary-days <n>', 'days a canary lasts', whole(1, 30), canaryDays)
    .option('--state <folder>', 'keep the rehearsal here; the same command continues it')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
The same options give the same report, on any machine. If a rehearsal with --state is stopped, by Ctrl-C or by kill -9, running the same command again continues it, with the same report at the end. Nothing leaves this machine, no port is opened, and no setting in .env.local is read.`,
    )
    .action(
      run(async ({ state, json, ...settings }: RehearseFlags) => {
        const startedMs = systemClock.now();
        const folder = state ?? (await mkdtemp(join(tmpdir(), 'keyshift-rehearsal-')));
        const abort = new AbortController();
        process.once('SIGINT', () => {
          abort.abort();
        });
        const progress = terminal.progress('days', settings.days);
        try {
          const report = await runRehearsal(settings, {
            folder,
            signal: abort.signal,
            onDay: (done) => {
              progress.update(done);
            },
          });
          progress.stop();
          if (!report) {
            if (state !== undefined) terminal.note('Run the same command again to continue.');
            return 130;
          }
          if (json === true) terminal.print(toReportJson(report));
          else printRehearsal(terminal, report);
          terminal.note(`took ${((systemClock.now() - startedMs) / 1000).toFixed(1)} s`);
          return report.addsUp && report.auditIntact ? 0 : 1;
        } finally {
          progress.stop();
          if (state === undefined) await rm(folder, { recursive: true, force: true });
        }
      }),
    );
}

function parseWaves(value: string): number[] {
  const shares = value.split(',').map((part) => whole(1, 100)(part.trim().replace(/%$/, '')));
  if (shares.reduce((sum, share) => sum + share, 0) === 100) return shares;
  throw new InvalidArgumentError('The shares must add up to 100, for example 10,30,60.');
}
