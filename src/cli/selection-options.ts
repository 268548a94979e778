import type { Command } from 'commander';

/** Adds `--customer ID`, which may be given several times. */
export function addCustomerOption(command: Command): Command {
  return command.option(
    '--customer <id>',
    'only this customer; may be given several times',
    (id: string, ids: string[] | undefined) => [...(ids ?? []), id],
  );
}

/** Adds `--all` and `--customer ID`, of which a command needs one. */
export function addSelectionOptions(command: Command): Command {
  return addCustomerOption(command).option('--all', 'every connection that is ready for it');
}
