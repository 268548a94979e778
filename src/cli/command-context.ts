import type { Terminal } from './terminal.ts';

/** What every command is given. */
export interface CommandContext {
  readonly terminal: Terminal;
  /** Wraps the work of a command, whose number becomes the exit code of the process. */
  readonly run: <Args extends unknown[]>(
    work: (...args: Args) => Promise<number>,
  ) => (...args: Args) => Promise<void>;
}
