import type { Command } from 'commander';
import { KeyshiftError } from '../../errors/keyshift-error.ts';
import type { CommandContext } from '../command-context.ts';
import { withKeyshift } from '../run-with.ts';

interface RefreshFlags {
  readonly due?: boolean;
  readonly json?: boolean;
}

/** `keyshift refresh --due`: one round of what the server does all the time. */
export function addRefreshCommand(program: Command, { terminal, run }: CommandContext): void {
  program
    .command('refresh')
    .description('refresh the tokens that are due, finish what a crash left undone, once')
    .option('--due', 'every grant that is due; needed, so that nothing is refreshed by accident')
    .option('--json', 'print one JSON object')
    .action(
      run((flags: RefreshFlags) => {
        if (flags.due !== true) {
          throw new KeyshiftError('request_invalid', 'Nothing is selected.', {
            fix: 'Use keyshift refresh --due.',
          });
        }
        return withKeyshift(async ({ sweeper }, { signal }) => {
          const before = await sweeper.forecast();
          const bar = terminal.progress('refreshing', before.due);
          const result = await sweeper.sweep(signal, (done) => {
            bar.update(done);
          });
          bar.stop();
          if (flags.json === true) {
            terminal.print(JSON.stringify({ ...result, grants: before.grants }));
          } else {
            const { refreshed, lost, failed } = result;
            terminal.print(`${refreshed} refreshed, ${lost} lost, ${failed} to be tried again`);
            terminal.print(describeForecast(await sweeper.forecast()));
          }
          return result.lost + result.failed > 0 ? 2 : 0;
        });
      }),
    );
}

/** "1200 grants, 0.4 refreshes/s in the coming hour". */
export function describeForecast({ grants, due }: { grants: number; due: number }): string {
  const perSecond = due / 3600;
  const digits = perSecond >= 1 ? 1 : 3;
  return `${grants} grants, ${perSecond.toFixed(digits)} refreshes/s in the coming hour`;
}
