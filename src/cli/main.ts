import { Command, CommanderError } from 'commander';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import { scrub } from '../runtime/scrub.ts';
import type { CommandContext } from './command-context.ts';
import { addCheckCommand } from './commands/check-command.ts';
import { addCutoverCommands } from './commands/cutover-commands.ts';
import { addDemoCommand } from './commands/demo-command.ts';
import { addImportCommand } from './commands/import-command.ts';
import { addInviteCommand } from './commands/invite-command.ts';
import { addServeCommand } from './commands/serve-command.ts';
import { addStatusCommand } from './commands/status-command.ts';
import { createTerminal, type Terminal } from './terminal.ts';

/**
 * Runs one command of the CLI.
 *
 * @param argv the arguments after `keyshift`
 * @returns the exit code: 0 done, 1 failed, 2 done with rows or keys that need a look
 */
export async function main(argv: readonly string[]): Promise<number> {
  const terminal = createTerminal();
  let exitCode = 0;
  const context: CommandContext = {
    terminal,
    run:
      (work) =>
      async (...args) => {
        exitCode = await work(...args);
      },
  };
  try {
    await createProgram(context).parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    return reportError(terminal, error);
  }
}

function createProgram(context: CommandContext): Command {
  const program = new Command('keyshift')
    .description('Move a Klaviyo integration from private keys to OAuth, and run its tokens.')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError();
  addServeCommand(program, context);
  addImportCommand(program, context);
  addCheckCommand(program, context);
  addInviteCommand(program, context);
  addStatusCommand(program, context);
  addCutoverCommands(program, context);
  addDemoCommand(program, context);
  return program;
}

function reportError(terminal: Terminal, error: unknown): number {
  if (error instanceof KeyshiftError) {
    terminal.note(scrub(`keyshift: ${error.message} Fix: ${error.fix}`));
    return 1;
  }
  // Not foreseen: the stack is for whoever mends it, without what a library may have put into it.
  terminal.note(scrub(`keyshift: ${error instanceof Error ? (error.stack ?? '') : String(error)}`));
  return 70;
}
