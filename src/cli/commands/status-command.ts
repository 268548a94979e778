import type { Command } from 'commander';
import { stages } from '../../model/stages.ts';
import type { Connection } from '../../model/connection.ts';
import type { StageCount } from '../../store/connections.ts';
import type { UnclaimedGrant } from '../../store/grants.ts';
import { listUnclaimed, readOverview } from '../../migration/report/queries.ts';
import { withWorkbench } from '../run-with.ts';
import { addCustomerOption, limitOption } from '../options.ts';
import type { CommandContext } from '../command-context.ts';
import { count } from '../../runtime/count.ts';
import { formatTable, type Terminal } from '../terminal.ts';

interface StatusFlags {
  readonly customer?: readonly string[];
  readonly json?: boolean;
  readonly limit: number;
}

/** `keyshift status`: where every connection stands. */
export function addStatusCommand(program: Command, { terminal, run }: CommandContext): void {
  addCustomerOption(program.command('status'))
    .description('show the progress of every connection')
    .addOption(limitOption(50))
    .option('--json', 'print one JSON object with every connection')
    .action(
      run((flags: StatusFlags) =>
        withWorkbench(async ({ store, config }) => {
          const overview = await readOverview(store, {
            customers: flags.customer,
            limit: flags.json === true ? Infinity : flags.limit,
          });
          const { counts, total, connections: rows } = overview;
          const unclaimed = await listUnclaimed(store, config.client?.clientId);
          if (flags.json === true) {
            const summary = {
              ...{ total, stages: sumByStage(counts), connections: rows.map(toJson) },
              unclaimed_installs: unclaimed.map(toInstallJson),
            };
            terminal.print(JSON.stringify(summary));
          } else {
            printTable(terminal, rows);
            printCounts(terminal, counts, total);
            const hidden = flags.customer ? 0 : total - rows.length;
            if (hidden > 0) terminal.note(`${hidden} more; use --limit or --json`);
            for (const { accountId } of unclaimed) {
              terminal.note(
                `account ${accountId} has installed the app and belongs to no customer`,
              );
            }
          }
          return 0;
        }),
      ),
    );
}

function toInstallJson({ accountId, consentedAtMs }: UnclaimedGrant) {
  return { account_id: accountId, consented_at: new Date(consentedAtMs).toISOString() };
}

function sumByStage(counts: readonly StageCount[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const stage of stages) {
    const sum = counts
      .filter((each) => each.stage === stage)
      .reduce((total, { count }) => total + count, 0);
    if (sum > 0) sums[stage] = sum;
  }
  return sums;
}

function toJson(connection: Connection) {
  return {
    customer_id: connection.customerId,
    name: connection.name ?? null,
    email: connection.email ?? null,
    account_id: connection.accountId ?? null,
    account_name: connection.accountName ?? null,
    stage: connection.stage,
    reason: connection.attentionReason ?? null,
    route: connection.route,
    updated_at: new Date(connection.updatedAtMs).toISOString(),
  };
}

function printTable(terminal: Terminal, rows: readonly Connection[]): void {
  if (rows.length === 0) return;
  const cells = rows.map((row) => [
    row.customerId,
    row.accountId ?? '–',
    row.accountName ?? row.name ?? '–',
    row.attentionReason === undefined ? row.stage : `${row.stage}: ${row.attentionReason}`,
    row.route,
  ]);
  for (const line of formatTable(['CUSTOMER', 'ACCOUNT', 'NAME', 'STAGE', 'ROUTE'], cells)) {
    terminal.print(line);
  }
  terminal.print();
}

function printCounts(terminal: Terminal, counts: readonly StageCount[], total: number): void {
  const parts = Object.entries(sumByStage(counts)).map(([stage, count]) => `${count} ${stage}`);
  terminal.print(
    total === 0
      ? 'No connections yet. Start with: keyshift import customers.csv'
      : `${count(total, 'connection')}: ${parts.join(', ')}`,
  );
}
