import { InvalidArgumentError, type Command } from 'commander';
import type { Labels } from '../store/outreach.ts';

/** Adds `--customer ID`, which may be given several times. */
export function addCustomerOption(command: Command): Command {
  return command.option(
    '--customer <id>',
    'only this customer; may be given several times',
    (id: string, ids: string[] | undefined) => [...(ids ?? []), id],
  );
}

/** Adds `--all`, `--cohort KEY=VALUE` and `--customer ID`, of which a command needs one. */
export function addSelectionOptions(command: Command): Command {
  return addCustomerOption(command)
    .option('--all', 'every connection that is ready for it')
    .option(
      '--cohort <label=value>',
      'every connection with this label; given several times, with all of them',
      parseCohort,
    );
}

function parseCohort(pair: string, earlier: Labels | undefined): Labels {
  const at = pair.indexOf('=');
  const [label, value] = [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
  if (at > 0 && label !== '' && value !== '') return { ...earlier, [label]: value };
  throw new InvalidArgumentError('It must be a label and its value, as plan=pro.');
}
