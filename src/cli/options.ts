import { InvalidArgumentError, Option, type Command } from 'commander';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import { toColumnName } from '../migration/import/customer-row.ts';
import type { Selection } from '../migration/operate/selection.ts';
import type { Labels } from '../model/labels.ts';

/**
 * Parses a whole number from `least` to `most`, written in digits alone.
 *
 * @throws InvalidArgumentError for anything else, so that a slip never passes for a default
 */
export function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}

/** Parses a number from `least` to `most` that may have decimals. */
export function decimal(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d+(\.\d+)?$/.test(text) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(`It must be a number from ${least} to ${most}.`);
  };
}

/** Most days that an option takes: a hundred years, so that every date they lead to exists. */
const mostDays = 36_500;

/** Parses a length of time in days; half a day is `0.5`. */
export const parseDays = decimal(0, mostDays);

/** Parses a day of the calendar, as 2027-01-31; returns its first millisecond in UTC. */
export function calendarDay(text: string): number {
  const atMs = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : NaN;
  if (!Number.isNaN(atMs) && new Date(atMs).toISOString().startsWith(text)) return atMs;
  throw new InvalidArgumentError('It must be a day, such as 2027-01-31.');
}

/** `--limit N`: how many rows of a table to print. */
export function limitOption(usual: number, what = 'rows of the table'): Option {
  return new Option('--limit <n>', what).default(usual).argParser(whole(0, 1_000_000));
}

/** `--concurrency N`: how many keys to check at the same time. */
export function concurrencyOption(): Option {
  return new Option('--concurrency <n>', 'keys to check at the same time, 1 to 64')
    .default(8)
    .argParser(whole(1, 64));
}

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
    'every connection with this label; given several times, with all of these labels',
    parseCohort,
  );
}

/** Adds `--all`, `--cohort`, `--wave` and `--customer ID`, of which a command needs one. */
export function addSelectionOptions(command: Command): Command {
  return addCohortOption(
    addCustomerOption(command).option('--all', 'every connection that is ready for it'),
  ).option('--wave <name>', 'every connection that was invited in this wave', parseWave);
}

/** What every command that changes something is told. */
export interface ChangeFlags {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** Adds `--dry-run` and `--yes`, which every command has that changes something. */
export function addChangeOptions(command: Command): Command {
  return command
    .option('--dry-run', 'print what would change, and change nothing')
    .option('--yes', 'go on without a question');
}

/** The options by which commands are told whom they are about. */
export interface SelectionFlags {
  readonly all?: boolean;
  readonly customer?: readonly string[];
  readonly cohort?: Labels;
  readonly wave?: string;
}

/**
 * Returns the selection that the options make.
 *
 * @throws KeyshiftError `request_invalid` unless exactly one of them is given
 */
export function toSelection({ all, customer, cohort, wave }: SelectionFlags): Selection {
  const ways = [all === true, cohort, wave, customer].filter((way) => way ?? false);
  if (ways.length !== 1) {
    const message = 'Choose exactly one of --all, --customer, --cohort or --wave.';
    throw new KeyshiftError('request_invalid', message, {
      fix: 'Use --all, or for example --customer ID (as often as needed).',
    });
  }
  return {
    ...(customer !== undefined && { customers: customer }),
    ...(cohort !== undefined && { cohort }),
    ...(wave !== undefined && { wave }),
  };
}

/** Parses the name of a wave. */
export function parseWave(text: string): string {
  const name = text.trim();
  if (name !== '' && name.length <= 100 && !/\p{C}/u.test(name)) return name;
  throw new InvalidArgumentError('It must be a name of up to 100 characters.');
}

/** A value alone is that of the label `cohort`, which `import --cohort-column` gives. */
function parseCohort(pair: string, earlier: Labels | undefined): Labels {
  const at = pair.indexOf('=');
  const label = at < 0 ? 'cohort' : toColumnName(pair.slice(0, at));
  const value = pair.slice(at + 1).trim();
  if (label !== '' && value !== '') return { ...earlier, [label]: value };
  throw new InvalidArgumentError('It must be a label and its value, such as plan=pro.');
}
