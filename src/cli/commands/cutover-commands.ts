import type { Command } from 'commander';
import type { Keyshift } from '../../core/create-keyshift.ts';
import { mayRollBack } from '../../model/connection.ts';
import { mayCutOver } from '../../model/stages.ts';
import { runStep, type StepFlags } from '../run-step.ts';
import { addSelectionOptions, whole } from '../options.ts';
import type { CommandContext } from '../command-context.ts';

interface CanaryFlags extends StepFlags {
  readonly percent: number;
}

/** `keyshift canary`: a share of the traffic moves to OAuth. */
export function addCanaryCommand(program: Command, { terminal, run }: CommandContext): void {
  addSelectionOptions(program.command('canary'))
    .description('send a share of the calls of verified connections by OAuth')
    .requiredOption('--percent <n>', 'share of the calls, 1 to 100', whole(1, 100))
    .option('--json', 'print one JSON object')
    .action(
      run(
        runStep<CanaryFlags>(terminal, {
          doneWord: 'send a share by OAuth',
          isCandidate: mayCutOver,
          warn: warnOfSwitch,
          run: ({ cutover }, connection, { percent }) =>
            cutover.startCanary(connection, percent, 'cli'),
        }),
      ),
    );
}

/** `keyshift cutover`: traffic moves to OAuth. */
export function addCutoverCommand(program: Command, { terminal, run }: CommandContext): void {
  addSelectionOptions(program.command('cutover'))
    .description('move all traffic of verified connections and canaries to OAuth')
    .option('--json', 'print one JSON object')
    .action(
      run(
        runStep<StepFlags>(terminal, {
          doneWord: 'cut over to OAuth',
          isCandidate: mayCutOver,
          warn: warnOfSwitch,
          run: ({ cutover }, connection) => cutover.cutOver(connection, 'cli'),
        }),
      ),
    );
}

/** `keyshift rollback`: traffic moves back to the private keys. */
export function addRollbackCommand(program: Command, { terminal, run }: CommandContext): void {
  addSelectionOptions(program.command('rollback'))
    .description('move traffic back to the private keys')
    .option('--json', 'print one JSON object')
    .action(
      run(
        runStep<StepFlags>(terminal, {
          doneWord: 'rolled back to their keys',
          isCandidate: mayRollBack,
          warn: warnOfSwitch,
          run: ({ cutover }, connection) => cutover.rollBack(connection, 'cli'),
        }),
      ),
    );
}

/** The switch overrides every connection: whoever moves one now would not see it move. */
async function warnOfSwitch({ store }: Keyshift): Promise<string | undefined> {
  const value = await store.switches.get('route');
  if (value === undefined) return undefined;
  return `The switch sends all traffic by ${value}: what is decided now takes effect when it is unset.`;
}
