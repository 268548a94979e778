import { readFile } from 'node:fs/promises';
import { Command, CommanderError } from 'commander';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import { scrub } from '../runtime/scrub.ts';
import { withSmallYoungGeneration } from '../runtime/young-generation.ts';
import type { CommandContext } from './command-context.ts';
import { createTerminal, type Terminal } from './terminal.ts';

/**
 * Runs one command of the CLI.
 *
 * @param argv the arguments after `keyshift`
 * @returns the exit code: 0 done, 1 failed, 2 done with rows or keys that need a look
 */
export async function main(
  argv: readonly string[],
  terminal: Terminal = createTerminal(),
): Promise<number> {
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
    const program = await withSmallYoungGeneration(() => createProgram(argv[0], context));
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    return reportError(terminal, error);
  }
}

type AddCommand = (program: Command, context: CommandContext) => void;

/** Where each command is, by name: only the one that is asked for is loaded, so that it starts fast. */
const commands = {
  serve: async () => (await import('./commands/serve-command.ts')).addServeCommand,
  import: async () => (await import('./commands/import-command.ts')).addImportCommand,
  check: async () => (await import('./commands/check-command.ts')).addCheckCommand,
  invite: async () => (await import('./commands/invite-command.ts')).addInviteCommand,
  remind: async () => (await import('./commands/remind-command.ts')).addRemindCommand,
  outbox: async () => (await import('./commands/outbox-command.ts')).addOutboxCommand,
  status: async () => (await import('./commands/status-command.ts')).addStatusCommand,
  report: async () => (await import('./commands/report-command.ts')).addReportCommand,
  audit: async () => (await import('./commands/audit-command.ts')).addAuditCommand,
  verify: async () => (await import('./commands/verify-command.ts')).addVerifyCommand,
  override: async () => (await import('./commands/override-command.ts')).addOverrideCommand,
  disconnect: async () => (await import('./commands/disconnect-command.ts')).addDisconnectCommand,
  canary: async () => (await import('./commands/cutover-commands.ts')).addCanaryCommand,
  cutover: async () => (await import('./commands/cutover-commands.ts')).addCutoverCommand,
  rollback: async () => (await import('./commands/cutover-commands.ts')).addRollbackCommand,
  watch: async () => (await import('./commands/watch-command.ts')).addWatchCommand,
  metrics: async () => (await import('./commands/metrics-command.ts')).addMetricsCommand,
  retire: async () => (await import('./commands/retire-command.ts')).addRetireCommand,
  refresh: async () => (await import('./commands/refresh-command.ts')).addRefreshCommand,
  'kill-switch': async () =>
    (await import('./commands/kill-switch-command.ts')).addKillSwitchCommand,
  'fall-back': async () => (await import('./commands/kill-switch-command.ts')).addFallBackCommand,
  exceptions: async () => (await import('./commands/exceptions-command.ts')).addExceptionsCommand,
  shadow: async () => (await import('./commands/shadow-command.ts')).addShadowCommand,
  stray: async () => (await import('./commands/stray-command.ts')).addStrayCommand,
  'forget-key': async () => (await import('./commands/stray-command.ts')).addForgetKeyCommand,
  sandbox: async () => (await import('./commands/sandbox-command.ts')).addSandboxCommand,
  scopes: async () => (await import('./commands/scopes-command.ts')).addScopesCommand,
  rehearse: async () => (await import('./commands/rehearse-command.ts')).addRehearseCommand,
  demo: async () => (await import('./commands/demo-command.ts')).addDemoCommand,
} as const satisfies Record<string, () => Promise<AddCommand>>;

/** The program with the command that `name` asks for, or with all of them, for help and typos. */
export async function createProgram(
  name: string | undefined,
  context: CommandContext,
): Promise<Command> {
  const program = new Command('keyshift')
    .description(
      'Move a Klaviyo integration from private API keys to OAuth, and keep its tokens alive.',
    )
    .version(await readVersion())
    .exitOverride()
    .configureOutput({
      writeErr: (text) => {
        context.terminal.note(text.trimEnd());
      },
    })
    .showSuggestionAfterError();
  if (name === '--version' || name === '-V') return program;
  const one = Object.entries(commands).find(([known]) => known === name);
  for (const [, load] of one ? [one] : Object.entries(commands)) {
    const add: AddCommand = await load();
    add(program, context);
  }
  return program;
}

async function readVersion(): Promise<string> {
  const manifest: unknown = JSON.parse(
    await readFile(new URL('../../package.json', import.meta.url), 'utf8'),
  );
  return (manifest as { version: string }).version;
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
