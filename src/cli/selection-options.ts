import { InvalidArgumentError, type Command } from 'commander';
import { toColumnName } from '../migration/customer-row.ts';
import type { Labels } from '../model/labels.ts';

/** Adds `--customer ID`, which may be given several times. */
export function addCustomerOption(command: Command): Command {
  return command.option(
    '--customer <id>',
    'only this customer; may be given several times',
    (id: string, ids: string[] | undefined) => [...(ids ?? []), id],
  );
}

/** Adds `--cohort LABEL=VALUE`, which may be given several times: all of them must hold. */
export function addCohortOption(command: Command): Command {
  return command.option(
    '--cohort <label=value>',
    'every connection with this label; given several times, with all of them',
    parseCohort,
  );
}

/** Adds `--all`, `--cohort` and `--customer ID`, of which a command needs one. */
export function addSelectionOptions(command: Command): Command {
  return addCohortOption(
    addCustomerOption(command).option('--all', 'every connection that is ready for it'),
  );
}

/** A value alone is that of the label `cohort`, which `import --cohort-column` gives. */
function parseCohort(pair: string, earlier: Labels | undefined): Labels {
  const at = pair.indexOf('=');
  const label = at < 0 ? 'cohort' : toColumnName(pair.slice(0, at));
  const value = pair.slice(at + 1).trim();
  if (label !== '' && value !== '') return { ...earlier, [label]: value };
  throw new InvalidArgumentError('It must be a label and its value, as plan=pro.');
}
