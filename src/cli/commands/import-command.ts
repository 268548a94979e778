import type { Command } from 'commander';
import { readCustomerFile } from '../../migration/customer-file.ts';
import { importCustomers, type ImportReport } from '../../migration/import-customers.ts';
import type { CommandContext } from '../command-context.ts';
import type { Terminal } from '../terminal.ts';
import { concurrencyOption } from '../concurrency-option.ts';
import { withWorkbench } from '../run-with.ts';
import { runKeyChecks, toCheckJson, type CheckSummary } from './check-command.ts';

interface ImportFlags {
  readonly check: boolean;
  readonly json?: boolean;
  readonly concurrency: number;
}

/** `keyshift import FILE`: takes customers and keys in, and checks the keys at Klaviyo. */
export function addImportCommand(program: Command, { terminal, run }: CommandContext): void {
  program
    .command('import')
    .description('import customers and their private keys from a CSV file, and check the keys')
    .argument('<file>', 'columns customer_id, private_key, and optionally email, name')
    .option('--no-check', 'do not ask Klaviyo about the keys now (see `keyshift check`)')
    .addOption(concurrencyOption())
    .option('--json', 'print one JSON object')
    .action(
      run((file: string, flags: ImportFlags) =>
        withWorkbench(async (workbench, { signal }) => {
          const { store, machine, clock, random } = workbench;
          const report = await importCustomers(readCustomerFile(file), {
            store,
            machine,
            clock,
            random,
            actor: 'cli',
            signal,
          });
          if (flags.json !== true) printReport(terminal, report);
          const checks =
            flags.check && !signal.aborted
              ? await runKeyChecks(workbench, terminal, flags, signal)
              : undefined;
          if (flags.json === true) terminal.print(JSON.stringify(toJson(report, checks)));
          else if (checks?.counts.get('checked')) terminal.print('Next: keyshift invite');
          const rowsToMend = report.verdicts.rejected + report.verdicts.duplicate;
          return rowsToMend > 0 || (checks?.findings.length ?? 0) > 0 ? 2 : 0;
        }),
      ),
    );
}

function printReport(terminal: Terminal, report: ImportReport): void {
  for (const { line, severity, customerId, message } of report.issues) {
    const who = customerId === undefined ? '' : ` ${customerId}:`;
    terminal.note(`line ${line}: ${severity}:${who} ${message}`);
  }
  const { imported, updated, unchanged, duplicate, rejected } = report.verdicts;
  terminal.print(
    `${report.rows} rows: ${imported} imported, ${updated} updated, ${unchanged} unchanged, ` +
      `${duplicate} duplicates left out, ${rejected} with errors`,
  );
}

function toJson(report: ImportReport, checks: CheckSummary | undefined) {
  return {
    rows: report.rows,
    ...report.verdicts,
    issues: report.issues.map(({ customerId, ...issue }) => ({
      ...issue,
      customer_id: customerId ?? null,
    })),
    checks: checks ? toCheckJson(checks) : null,
  };
}
