import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { parseScopes } from '../../klaviyo/scope-set.ts';
import { collectSightings } from '../../scopes/collect-sightings.ts';
import { sightingsOfTraffic } from '../../scopes/observed-traffic.ts';
import { forecastScopes, recommendScopes } from '../../scopes/recommend-scopes.ts';
import type { Sighting } from '../../scopes/sighting.ts';
import { readScopesSetting } from '../environment.ts';
import { whole } from '../options.ts';
import { printScopes, toScopesJson } from '../print-scopes.ts';
import { withWorkbench } from '../run-with.ts';
import type { CommandContext } from '../command-context.ts';
import type { Terminal } from '../terminal.ts';

interface ScopesFlags {
  readonly source: readonly string[];
  readonly log: readonly string[];
  readonly har: readonly string[];
  readonly host: readonly string[];
  readonly traffic?: boolean;
  readonly days: number;
  readonly with?: string;
  readonly json?: boolean;
}

const howToBeSeen =
  'Name the folder of the code that calls Klaviyo with --source, or an access log with --log in which each line has a method and a path; --host names a host of yours that stands for Klaviyo. Without files, the calls that went through Keyshift count.';

const collect = (value: string, earlier: readonly string[]) => [...earlier, value];

/** `keyshift scopes`: the least scopes the app needs, and why. */
export function addScopesCommand(program: Command, { terminal, run }: CommandContext): void {
  program
    .command('scopes')
    .description('find the minimum set of scopes the app needs, with a reason for each')
    .option('--source <path>', 'scan source code below this folder; may be repeated', collect, [])
    .option(
      '--log <file>',
      'read an access log, - for standard input; may be repeated',
      collect,
      [],
    )
    .option('--har <file>', 'read a HAR file; may be repeated', collect, [])
    .option('--traffic', 'use the calls that went through Keyshift; the default without files')
    .option('--days <n>', 'how many days of that traffic', whole(1, 3650), 30)
    .option(
      '--host <host>',
      'a host of yours that stands for Klaviyo; may be repeated',
      collect,
      [],
    )
    .option('--with <scopes>', 'forecast for these scopes instead of KLAVIYO_SCOPES')
    .option('--json', 'print one JSON object')
    .action(
      run(async (flags: ScopesFlags) => {
        const recommendation = recommendScopes(await readSightings(flags, terminal));
        const asked = flags.with ?? readScopesSetting();
        const scopes = asked === undefined ? undefined : parseScopes(asked);
        const forecast = scopes && { scopes, ...forecastScopes(recommendation, scopes) };
        const report = { recommendation, forecast };
        if (flags.json === true) terminal.print(JSON.stringify(toScopesJson(report)));
        else printScopes(terminal, report);
        if (recommendation.scopes.length === 0) {
          terminal.note(howToBeSeen);
          return 1;
        }
        return recommendation.questions.length > 0 ? 2 : 0;
      }),
    );
}

async function readSightings(flags: ScopesFlags, terminal: Terminal): Promise<Sighting[]> {
  const { source: code, log: logs, har: hars, host: hosts } = flags;
  const sizes = await Promise.all(
    logs.map((file) =>
      stat(file).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  const bar = terminal.progress(
    'reading logs, bytes',
    sizes.reduce((sum, size) => sum + size, 0),
  );
  let bytes = 0;
  const read = await collectSightings({ code, logs, hars, hosts }, (count) => {
    bar.update((bytes += count));
  }).finally(() => {
    bar.stop();
  });
  if (code.length > 0) terminal.note(`source files scanned: ${read.sourceFiles}`);
  if (read.leftOut.length > 0) {
    terminal.note(`not scanned; name it with --source if it is yours: ${read.leftOut.join(', ')}`);
  }
  if (logs.length > 0) {
    const unread =
      read.unreadLogLines > 0 ? `; no request recognised in ${read.unreadLogLines}` : '';
    terminal.note(`log lines read: ${read.logLines}${unread}`);
  }
  const hasFiles = code.length + logs.length + hars.length > 0;
  const wantsTraffic = flags.traffic ?? !hasFiles;
  return wantsTraffic ? [...read.sightings, ...(await readTraffic(flags))] : [...read.sightings];
}

async function readTraffic({ days }: ScopesFlags): Promise<Sighting[]> {
  let sightings: Sighting[] = [];
  await withWorkbench(async ({ store, clock }) => {
    const observed = await store.traffic.observedOperations(clock.now() - days * 86_400_000);
    sightings = sightingsOfTraffic(observed);
    return 0;
  });
  return sightings;
}
