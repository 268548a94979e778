import { existsSync } from 'node:fs';
import { text as readText } from 'node:stream/consumers';
import { Option, type Command } from 'commander';
import type { KeyshiftConfig } from '../../core/config.ts';
import type { Workbench } from '../../core/workbench.ts';
import { KeyshiftError } from '../../errors/keyshift-error.ts';
import {
  fileFormats,
  readCustomerFile,
  type FileFormat,
} from '../../migration/import/customer-file.ts';
import type { CustomerRows } from '../../migration/import/customer-row.ts';
import { createDryCheck } from '../../migration/import/check-keys.ts';
import {
  importCustomers,
  openImportScratch,
  type ImportIssue,
  type ImportReport,
  type ImportScratch,
} from '../../migration/import/import-customers.ts';
import { readCustomersBySql } from '../../migration/import/sql-source.ts';
import { createMemoryTrimmer } from '../../runtime/memory-trimmer.ts';
import { Secret } from '../../runtime/secret.ts';
import { parseDatabaseUrl } from '../../store/database-url.ts';
import type { CommandContext } from '../command-context.ts';
import type { Terminal } from '../terminal.ts';
import { concurrencyOption } from '../options.ts';
import { readVariable } from '../environment.ts';
import { withWorkbench } from '../run-with.ts';
import { runKeyChecks, toCheckJson } from './check-command.ts';
import { count } from '../../runtime/count.ts';

interface ImportFlags {
  readonly from?: string;
  readonly fromEnv?: string;
  readonly query?: string;
  readonly format?: FileFormat;
  readonly cohortColumn?: string;
  readonly dryRun?: boolean;
  readonly check: boolean;
  readonly keyScopes?: boolean;
  readonly json?: boolean;
  readonly concurrency: number;
}

/** `keyshift import`: takes customers and keys in, and checks the keys at Klaviyo. */
export function addImportCommand(program: Command, { terminal, run }: CommandContext): void {
  program
    .command('import')
    .description('import customers and their private keys, and check the keys')
    .argument(
      '[file]',
      'CSV or JSON lines: customer_id, private_key, and optionally email, name, …',
    )
    .addOption(new Option('--format <kind>', 'format of the file').choices(fileFormats))
    .option('--from <url>', 'a database to read instead of a file: postgres://, mysql://, sqlite:')
    .option('--from-env <name>', 'the variable that holds the URL of the database')
    .option('--query <sql>', 'what to read there; returns the columns that a file would have')
    .option('--cohort-column <name>', 'the column whose value is the cohort')
    .option('--dry-run', 'show what would happen, and write nothing')
    .option('--no-check', 'do not ask Klaviyo about the keys now (see `keyshift check`)')
    .option('--key-scopes', 'find out which of the required scopes each key has')
    .addOption(concurrencyOption())
    .option('--json', 'print one JSON object')
    .action(
      run((file: string | undefined, flags: ImportFlags) =>
        withWorkbench(
          (workbench, { signal }) => runImport(workbench, terminal, file, flags, signal),
          (config) => (flags.dryRun === true ? withoutNewDatabase(config) : config),
        ),
      ),
    );
}

/** A dry run must not even create the database that it would write to. */
function withoutNewDatabase(config: KeyshiftConfig): KeyshiftConfig {
  const address = parseDatabaseUrl(config.databaseUrl.reveal());
  return address.kind === 'sqlite' && !existsSync(address.path)
    ? { ...config, databaseUrl: new Secret('database_url', 'sqlite::memory:') }
    : config;
}

const rowsPerTrim = 2_500;

async function runImport(
  workbench: Workbench,
  terminal: Terminal,
  file: string | undefined,
  flags: ImportFlags,
  signal: AbortSignal,
): Promise<number> {
  const { store, machine, clock, random, lookUpAccount } = workbench;
  const from = await readSource(terminal, flags);
  const scratch = openImportScratch(random);
  const counter = terminal.counter(flags.dryRun === true ? 'rows read' : 'rows imported');
  const trimmer = createMemoryTrimmer(rowsPerTrim);
  let problems = 0;
  const onIssue = (issue: ImportIssue) => {
    // Customers may share an account; every other warning is about something that was not taken.
    if (issue.code !== 'duplicate_key') problems += 1;
    if (flags.json === true) scratch.addIssue(issue);
    else terminal.note(toLine(issue));
  };
  try {
    const dryCheck =
      flags.dryRun === true && flags.check
        ? createDryCheck({ store, lookUpAccount, onIssue, signal, concurrency: flags.concurrency })
        : undefined;
    const report = await importCustomers(openRows(file, { ...flags, from }, signal), {
      ...{ store, machine, clock, random, scratch, signal, onIssue },
      actor: 'cli',
      dryRun: flags.dryRun === true,
      onProgress: (rows) => {
        counter.update(rows);
        trimmer.worked(rows);
      },
      ...(dryCheck ? { onTaken: (row) => dryCheck.add(row) } : {}),
    }).finally(() => {
      counter.stop();
      trimmer.close();
    });
    if (flags.json !== true) printReport(terminal, report, flags);
    const checks = dryCheck
      ? { json: { ...(await dryCheck.finish()), findings: [] }, problems: 0, checked: 0, left: 0 }
      : await checkStored(workbench, terminal, flags, scratch, report, signal);
    if (flags.json === true) printJson(terminal, report, scratch, flags, checks?.json);
    else if (flags.dryRun === true) terminal.print('Nothing was written.');
    else if (!checks && report.complete) terminal.print('Next: keyshift check');
    else if (checks?.left === 0 && checks.checked > 0)
      terminal.print('Next: keyshift invite --mail (or --webhook, --csv FILE, --print-links)');
    return problems > 0 || (checks?.left ?? 0) > 0 || (checks?.problems ?? 0) > 0 ? 2 : 0;
  } finally {
    scratch.close();
  }
}

/** The URL of the database: as an argument, it would show its password to all on this machine. */
async function readSource(
  terminal: Terminal,
  { from, fromEnv }: ImportFlags,
): Promise<string | undefined> {
  if (from !== undefined && fromEnv !== undefined) {
    throw new KeyshiftError('request_invalid', 'Give --from or --from-env, not both.');
  }
  if (fromEnv !== undefined) {
    const value = readVariable(fromEnv);
    if (value !== undefined) return value;
    throw new KeyshiftError('request_invalid', `The variable ${fromEnv} is not set.`, {
      fix: 'Give --from-env the name of the variable that holds the URL of the database.',
    });
  }
  if (from === '-') return (await readText(process.stdin)).trim();
  if ((from === undefined ? '' : (URL.parse(from)?.password ?? '')) !== '') {
    terminal.note(
      'warning: others on this machine can read the password in --from: use --from-env NAME, or --from -',
    );
  }
  return from;
}

function openRows(
  file: string | undefined,
  flags: Omit<ImportFlags, 'from'> & { readonly from: string | undefined },
  signal: AbortSignal,
): CustomerRows {
  const { from, query, format, cohortColumn } = flags;
  if (
    (file === undefined) === (from === undefined) ||
    (from === undefined) !== (query === undefined)
  ) {
    throw new KeyshiftError(
      'request_invalid',
      'Give one customer list: a file, or --from with --query.',
      {
        fix: 'For example: `keyshift import customers.csv`.',
      },
    );
  }
  if (file !== undefined) return readCustomerFile(file, { format, cohortColumn });
  return readCustomersBySql(from ?? '', query ?? '', { cohortColumn, signal });
}

async function checkStored(
  workbench: Workbench,
  terminal: Terminal,
  flags: ImportFlags,
  scratch: ImportScratch,
  report: ImportReport,
  signal: AbortSignal,
) {
  if (flags.dryRun === true || !flags.check || !report.complete) return undefined;
  const lineOf = (customerId: string) => scratch.lineOf(customerId);
  const summary = await runKeyChecks(workbench, terminal, { ...flags, lineOf }, signal);
  return {
    json: toCheckJson(summary, lineOf),
    problems: summary.problems,
    left: summary.left,
    checked: summary.counts.get('checked') ?? 0,
  };
}

function toLine({ line, severity, customerId, message }: ImportIssue): string {
  const who = customerId === undefined ? '' : ` ${customerId}:`;
  return `line ${line}: ${severity}:${who} ${message}`;
}

function printReport(terminal: Terminal, report: ImportReport, flags: ImportFlags): void {
  const { imported, updated, unchanged, duplicate, rejected } = report.verdicts;
  const would = flags.dryRun === true ? 'would be ' : '';
  terminal.print(
    `${count(report.rows, 'row')}: ${imported} ${would}imported, ${updated} ${would}updated, ` +
      `${unchanged} unchanged, ${count(duplicate, 'duplicate')} skipped, ${rejected} with errors`,
  );
  if (!report.complete) terminal.note('Stopped early. Run it again to continue.');
}

/** One line of JSON, written in pieces: there may be as many issues as rows. */
function printJson(
  terminal: Terminal,
  report: ImportReport,
  scratch: ImportScratch,
  flags: ImportFlags,
  checks: object | undefined,
): void {
  const { rows, verdicts, complete } = report;
  const head = { rows, ...verdicts, complete, dry_run: flags.dryRun === true };
  terminal.write(`${JSON.stringify(head).slice(0, -1)},"issues":[`);
  let separator = '';
  for (const { customerId, ...issue } of scratch.issues()) {
    terminal.write(separator + JSON.stringify({ ...issue, customer_id: customerId ?? null }));
    separator = ',';
  }
  terminal.write(`],"checks":${JSON.stringify(checks ?? null)}}\n`);
}
