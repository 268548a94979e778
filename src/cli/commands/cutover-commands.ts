import { InvalidArgumentError, type Command } from 'commander';
import type { Keyshift } from '../../core/create-keyshift.ts';
import type { Connection } from '../../store/records.ts';
import { eachConnection } from '../each-connection.ts';
import { reportFailures } from '../report-failures.ts';
import { withKeyshift } from '../run-with.ts';
import { addSelectionOptions } from '../selection-options.ts';
import type { Selection } from '../select-connections.ts';
import type { CommandContext } from '../command-context.ts';
import type { Terminal } from '../terminal.ts';

interface StepFlags extends Selection {
  readonly json?: boolean;
}

interface RetireFlags extends StepFlags {
  readonly quietDays: number;
}

/** One command that takes connections a step further, or back. */
interface Step<Flags extends StepFlags> {
  /** What the summary says was done. */
  readonly doneWord: string;
  readonly isCandidate: (connection: Connection) => boolean;
  readonly run: (keyshift: Keyshift, connection: Connection, flags: Flags) => Promise<unknown>;
}

/** `keyshift cutover`: traffic moves to OAuth. */
export function addCutoverCommand(program: Command, { terminal, run }: CommandContext): void {
  addSelectionOptions(program.command('cutover'))
    .description('move the traffic of verified connections to OAuth')
    .option('--json', 'print one JSON object')
    .action(
      run(
        runStep<StepFlags>(terminal, {
          doneWord: 'cut over to OAuth',
          isCandidate: ({ stage }) => stage === 'verified',
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
          isCandidate: ({ stage, route }) => route === 'oauth' && stage !== 'retired',
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

function runStep<Flags extends StepFlags>(terminal: Terminal, step: Step<Flags>) {
  return (flags: Flags) =>
    withKeyshift(async (keyshift, { signal }) => {
      const result = await eachConnection(
        keyshift.store,
        flags,
        step.isCandidate,
        (connection) => step.run(keyshift, connection, flags),
        signal,
      );
      if (flags.json === true) {
        const failures = result.failures.map(({ customerId, error }) => ({
          customer_id: customerId,
          ...error.toJSON(),
        }));
        terminal.print(JSON.stringify({ ...result, failures }));
      } else {
        reportFailures(terminal, result);
        terminal.print(
          `${result.done} ${step.doneWord}, ${result.failures.length} failed, ` +
            `${result.skipped} at other stages`,
        );
      }
      return result.failures.length > 0 ? 1 : 0;
    });
}

function parseDays(value: string): number {
  const days = Number(value);
  if (Number.isFinite(days) && days >= 0) return days;
  throw new InvalidArgumentError('It must be a number of days, 0 or more.');
}
