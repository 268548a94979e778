import type { Command } from 'commander';
import type { Workbench } from '../../core/workbench.ts';
import { listKeySightings } from '../../migration/report/queries.ts';
import { forgetKey } from '../../migration/operate/single-connection.ts';
import { runAction } from '../batch.ts';
import type { CommandContext } from '../command-context.ts';
import { addChangeOptions, parseDays, type ChangeFlags } from '../options.ts';
import { withWorkbench } from '../run-with.ts';
import { formatTable, type Terminal } from '../terminal.ts';

interface StrayFlags {
  readonly customer?: string;
  readonly days: number;
  readonly json?: boolean;
}

/** `keyshift stray`: who still presents private keys of connections that are on OAuth. */
export function addStrayCommand(program: Command, { terminal, run }: CommandContext): void {
  program
    .command('stray')
    .description('show who still sends the private keys of connections on OAuth')
    .option('--customer <id>', 'only this customer')
    .option('--days <n>', 'seen in the last n days', parseDays, 7)
    .option('--json', 'print one JSON object')
    .action(
      run((flags: StrayFlags) =>
        withWorkbench(async (workbench) => {
          await printStrays(workbench, terminal, flags);
          return 0;
        }),
      ),
    );
}

async function printStrays(
  { store, clock }: Workbench,
  terminal: Terminal,
  { customer, days, json }: StrayFlags,
): Promise<void> {
  const sinceMs = clock.now() - days * 86_400_000;
  const rows = (await listKeySightings(store, sinceMs, customer)).map((sighting) => ({
    customer_id: sighting.customerId,
    source: sighting.source,
    user_agent: sighting.userAgent,
    operation: sighting.operation,
    calls: sighting.calls,
    first_seen_at: new Date(sighting.firstSeenAtMs).toISOString(),
    last_seen_at: new Date(sighting.lastSeenAtMs).toISOString(),
  }));
  if (json === true) {
    terminal.print(JSON.stringify({ sightings: rows }));
    return;
  }
  if (rows.length === 0) {
    terminal.print(
      `Nobody has sent a private key of a connection on OAuth in the last ${days} days.`,
    );
    return;
  }
  const head = [
    'CUSTOMER',
    'SOURCE',
    'USER AGENT',
    'OPERATION',
    'CALLS',
    'FIRST SEEN',
    'LAST SEEN',
  ];
  const cells = rows.map((row) => [
    row.customer_id,
    row.source,
    row.user_agent || '–',
    row.operation,
    String(row.calls),
    row.first_seen_at,
    row.last_seen_at,
  ]);
  for (const line of formatTable(head, cells)) terminal.print(line);
}

/** `keyshift forget-key`: a destroyed key is no longer taken as its caller's name. */
export function addForgetKeyCommand(program: Command, { terminal, run }: CommandContext): void {
  addChangeOptions(program.command('forget-key'))
    .description('no longer accept a destroyed private key as the name of its customer; final')
    .requiredOption('--customer <id>', 'whose key')
    .option('--json', 'print one JSON object')
    .action(
      run((flags: ChangeFlags & { readonly customer: string }) =>
        withWorkbench((workbench) => {
          const { customer } = flags;
          return runAction(terminal, flags, {
            action: forgetKey(workbench, customer),
            namesCustomer: true,
            caution: { final: 'A key that is forgotten no longer names its customer.' },
            finish() {
              terminal.print(
                flags.json === true
                  ? JSON.stringify({ customer_id: customer, forgotten: true })
                  : `The key of ${customer} is forgotten: calls that arrive with it are rejected.`,
              );
              return 0;
            },
          });
        }),
      ),
    );
}
