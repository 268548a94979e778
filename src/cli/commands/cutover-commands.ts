import type { Command } from 'commander';
import type { KeyshiftParts } from '../../core/create-keyshift.ts';
import type { UseCase } from '../../migration/operate/plan.ts';
import { canaryStep, cutoverStep, rollbackStep } from '../../migration/operate/traffic-steps.ts';
import { runBatch, summarize, type BatchFlags } from '../batch.ts';
import type { CommandContext } from '../command-context.ts';
import { addChangeOptions, addSelectionOptions, whole } from '../options.ts';
import { count } from '../../runtime/count.ts';
import type { Terminal } from '../terminal.ts';

interface CanaryFlags extends BatchFlags {
  readonly percent: number;
}

/** `keyshift canary`: a share of the traffic moves to OAuth. */
export function addCanaryCommand(program: Command, { terminal, run }: CommandContext): void {
  addChangeOptions(addSelectionOptions(program.command('canary')))
    .description('send a share of the calls of verified connections over OAuth')
    .requiredOption('--percent <n>', 'share of the calls, 1 to 100', whole(1, 100))
    .option('--json', 'print one JSON object')
    .action(
      run((flags: CanaryFlags) =>
        moveTraffic(terminal, flags, {
          useCase: (keyshift) => canaryStep(keyshift, flags.percent),
          describe: (done) =>
            `${count(done, 'connection now sends', 'connections now send')} ${flags.percent} % of ` +
            `${done === 1 ? 'its' : 'their'} calls over OAuth`,
          separator: ';',
        }),
      ),
    );
}

/** `keyshift cutover`: traffic moves to OAuth. */
export function addCutoverCommand(program: Command, { terminal, run }: CommandContext): void {
  addChangeOptions(addSelectionOptions(program.command('cutover')))
    .description('move all traffic of verified connections and canaries to OAuth')
    .option('--json', 'print one JSON object')
    .action(
      run((flags: BatchFlags) =>
        moveTraffic(terminal, flags, {
          useCase: cutoverStep,
          describe: (done) => `${done} cut over to OAuth`,
        }),
      ),
    );
}

/** `keyshift rollback`: traffic moves back to the private keys. */
export function addRollbackCommand(program: Command, { terminal, run }: CommandContext): void {
  addChangeOptions(addSelectionOptions(program.command('rollback')))
    .description('move traffic back to the private keys')
    .option('--json', 'print one JSON object')
    .action(
      run((flags: BatchFlags) =>
        moveTraffic(terminal, flags, {
          useCase: (keyshift) => rollbackStep(keyshift),
          describe: (done) => `${done} rolled back to ${done === 1 ? 'its key' : 'their keys'}`,
        }),
      ),
    );
}

/** One command that moves traffic, and what it says was done. */
interface Move<Result> {
  readonly useCase: (keyshift: KeyshiftParts) => UseCase<undefined, Result>;
  readonly describe: (done: number) => string;
  /** What stands before the counts: a sentence asks for more than a comma. */
  readonly separator?: ',' | ';';
}

function moveTraffic<Result>(
  terminal: Terminal,
  flags: BatchFlags,
  { useCase, describe, separator = ',' }: Move<Result>,
): Promise<number> {
  return runBatch(terminal, flags, {
    useCase,
    caution: 'many',
    warn: warnOfSwitch,
    finish: (result) => ({
      json: { done: result.done.length, skipped: result.skipped },
      text: summarize(describe(result.done.length), result, separator),
    }),
  });
}

/** The switch overrides every connection: whoever moves one now would not see it move. */
async function warnOfSwitch({ store }: KeyshiftParts): Promise<string | undefined> {
  const value = await store.switches.get('route');
  if (value === undefined) return undefined;
  const how = value === 'key' ? 'with the private keys' : 'over OAuth';
  return `The kill switch sends all traffic ${how}: what you decide now takes effect once it is off.`;
}
