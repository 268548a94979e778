import { InvalidArgumentError, type Command } from 'commander';
import { runStep, type StepFlags } from '../run-step.ts';
import { addSelectionOptions } from '../selection-options.ts';
import type { CommandContext } from '../command-context.ts';

interface CanaryFlags extends StepFlags {
  readonly percent: number;
}

interface RetireFlags extends StepFlags {
  readonly quietDays: number;
}

/** `keyshift canary`: a share of the traffic moves to OAuth. */
export function addCanaryCommand(program: Command, { terminal, run }: CommandContext): void {
  addSelectionOptions(program.command('canary'))
    .description('send a share of the calls of verified connections by OAuth')
    .requiredOption('--percent <n>', 'share of the calls, 1 to 100', parsePercent)
    .option('--json', 'print one JSON object')
    .action(
      run(
        runStep<CanaryFlags>(terminal, {
          doneWord: 'send a share by OAuth',
          isCandidate: ({ stage }) => stage === 'verified' || stage === 'canary',
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
          isCandidate: ({ stage }) => stage === 'verified' || stage === 'canary',
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
          isCandidate: ({ stage, route }) => route !== 'key' && stage !== 'retired',
          run: ({ cutover }, connection) => cutover.rollBack(connection, 'cli'),
        }),
      ),
    );
}

/** `keyshift retire`: private keys that nobody uses any more are destroyed. */
export function addRetireCommand(program: Command, { terminal, run }: CommandContext): void {
  addSelectionOptions(program.command('retire'))
    .description('destroy the stored private keys of connections that are quiet; final')
    .option('--quiet-days <n>', 'days without key traffic that must have passed', parseDays, 7)
    .option('--json', 'print one JSON object')
    .action(
      run(
        runStep<RetireFlags>(terminal, {
          doneWord: 'retired',
          isCandidate: ({ stage }) => stage === 'live' || stage === 'quiet',
          run: ({ cutover }, connection, { quietDays }) =>
            cutover.retire(connection, quietDays * 86_400_000, 'cli'),
        }),
      ),
    );
}

function parsePercent(value: string): number {
  const percent = Number(value);
  if (Number.isInteger(percent) && percent >= 1 && percent <= 100) return percent;
  throw new InvalidArgumentError('It must be a whole number from 1 to 100; 0 is `rollback`.');
}

function parseDays(value: string): number {
  const days = Number(value);
  if (value.trim() !== '' && Number.isFinite(days) && days >= 0) return days;
  throw new InvalidArgumentError('It must be a number of days, 0 or more.');
}
