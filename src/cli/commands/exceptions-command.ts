import { Option, type Command } from 'commander';
import type { Workbench } from '../../core/workbench.ts';
import { listExceptions } from '../../migration/report/queries.ts';
import { addException, removeException } from '../../migration/operate/exceptions.ts';
import { runAction } from '../batch.ts';
import type { CommandContext } from '../command-context.ts';
import { addChangeOptions, type ChangeFlags } from '../options.ts';
import { withWorkbench } from '../run-with.ts';
import { formatTable, type Terminal } from '../terminal.ts';

interface Flags extends ChangeFlags {
  readonly customer?: string;
}

interface AddFlags extends Flags {
  readonly route: 'key' | 'oauth';
}

/** `keyshift exceptions`: operations that have a route of their own. */
export function addExceptionsCommand(program: Command, { terminal, run }: CommandContext): void {
  const exceptions = program
    .command('exceptions')
    .description('override the route of individual operations');
  exceptions
    .command('list')
    .description('show the exceptions')
    .option('--json', 'print one JSON object')
    .action(
      run((flags: Flags) =>
        withWorkbench(async (workbench) => {
          await printList(workbench, terminal, flags.json === true);
          return 0;
        }),
      ),
    );
  withCustomer(exceptions.command('add <operation>'))
    .description('send an operation, such as get_profiles, with the key or over OAuth')
    .addOption(
      new Option('--route <route>', 'key or oauth').choices(['key', 'oauth']).makeOptionMandatory(),
    )
    .action(
      run((id: string, flags: AddFlags) =>
        withWorkbench((bench) => add(bench, terminal, id, flags)),
      ),
    );
  withCustomer(exceptions.command('remove <operation>'))
    .description('remove an exception')
    .action(
      run((id: string, flags: Flags) =>
        withWorkbench((bench) => remove(bench, terminal, id, flags)),
      ),
    );
}

function withCustomer(command: Command): Command {
  return addChangeOptions(command)
    .option('--customer <id>', 'only for this customer; for all without it')
    .option('--json', 'print one JSON object');
}

function add(
  workbench: Workbench,
  terminal: Terminal,
  operation: string,
  flags: AddFlags,
): Promise<number> {
  const { customer, route, json } = flags;
  return runAction(terminal, flags, {
    action: addException(workbench, targetOf(operation, customer), route),
    caution: 'many',
    finish({ exceptLive }) {
      if (json === true) {
        terminal.print(JSON.stringify({ operation, route, customer_id: customer ?? null }));
        return 0;
      }
      const how = route === 'key' ? 'with the private key' : 'over OAuth';
      terminal.print(`${operation} goes ${how} ${whom(customer)}.`);
      if (exceptLive) {
        terminal.note('It records events: connections that are live keep sending it over OAuth.');
      }
      return 0;
    },
  });
}

function remove(
  workbench: Workbench,
  terminal: Terminal,
  operation: string,
  flags: Flags,
): Promise<number> {
  const { customer, json } = flags;
  return runAction(terminal, flags, {
    action: removeException(workbench, targetOf(operation, customer)),
    caution: 'many',
    finish() {
      terminal.print(
        json === true
          ? JSON.stringify({ operation, route: null, customer_id: customer ?? null })
          : `${operation} follows the routes of connections again ${whom(customer)}.`,
      );
      return 0;
    },
  });
}

function targetOf(operation: string, customerId: string | undefined) {
  return { operation, ...(customerId !== undefined && { customerId }) };
}

async function printList({ store }: Workbench, terminal: Terminal, json: boolean): Promise<void> {
  const exceptions = await listExceptions(store);
  const rows = exceptions.map(({ operation, route, customerId, createdAtMs, actor }) => ({
    ...{ operation, route, customer_id: customerId ?? null },
    ...{ created_at: new Date(createdAtMs).toISOString(), actor },
  }));
  if (json) {
    terminal.print(JSON.stringify({ exceptions: rows }));
    return;
  }
  if (rows.length === 0) terminal.print('No exceptions: every operation follows its connection.');
  const cells = rows.map((row) => [
    row.operation,
    row.route,
    row.customer_id ?? 'all',
    row.created_at,
  ]);
  if (cells.length === 0) return;
  for (const line of formatTable(['OPERATION', 'ROUTE', 'CUSTOMER', 'SINCE'], cells)) {
    terminal.print(line);
  }
}

function whom(customer: string | undefined): string {
  return customer === undefined ? 'for every customer' : `for ${customer}`;
}
