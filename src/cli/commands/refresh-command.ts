import type { Command } from 'commander';
import { KeyshiftError } from '../../errors/keyshift-error.ts';
import type { CommandContext } from '../command-context.ts';
import { describeForecast } from '../../tokens/sweeper.ts';
import { count } from '../../runtime/count.ts';
import { addChangeOptions, type ChangeFlags } from '../options.ts';
import { withKeyshift } from '../run-with.ts';

interface RefreshFlags extends ChangeFlags {
  readonly due?: boolean;
}

/** `keyshift refresh --due`: one round of what the server does all the time. */
export function addRefreshCommand(program: Command, { terminal, run }: CommandContext): void {
  addChangeOptions(program.command('refresh'))
    .description('refresh the tokens that are due and finish what a crash interrupted, once')
    .option('--due', 'every grant that is due; required, so that nothing is refreshed by accident')
    .option('--json', 'print one JSON object')
    .action(
      run((flags: RefreshFlags) => {
        if (flags.due !== true) {
          throw new KeyshiftError('request_invalid', 'Nothing is selected.', {
            fix: 'Use keyshift refresh --due.',
          });
        }
        return withKeyshift(async ({ sweeper, clock }, { signal }) => {
          if (flags.dryRun === true) {
            const { due } = await sweeper.forecast(clock.now());
            const words = `${count(due, 'token')} would be refreshed. Nothing was changed.`;
            terminal.print(flags.json === true ? JSON.stringify({ dry_run: true, due }) : words);
            return 0;
          }
          const before = await sweeper.forecast();
          const bar = terminal.progress('refreshing', before.due);
          const result = await sweeper.sweep(signal, (done) => {
            bar.update(done);
          });
          bar.stop();
          if (flags.json === true) {
            const { grants, due } = await sweeper.forecast();
            terminal.print(JSON.stringify({ ...result, grants, dueWithinHour: due }));
          } else {
            const { refreshed, lost, failed } = result;
            terminal.print(`${refreshed} refreshed, ${lost} lost, ${failed} to retry`);
            terminal.print(describeForecast(await sweeper.forecast(), sweeper.ratePerSec));
          }
          return result.lost + result.failed > 0 ? 2 : 0;
        });
      }),
    );
}
