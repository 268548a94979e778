import { Option, type Command } from 'commander';
import { settledMs } from '../../calls/recent-reads.ts';
import { recordsEvents } from '../../model/route-policy.ts';
import type { Workbench } from '../../core/workbench.ts';
import { KeyshiftError } from '../../errors/keyshift-error.ts';
import { operations } from '../../klaviyo/operations.ts';
import type { CommandContext } from '../command-context.ts';
import { createCustomerNames, requireConnection } from '../customer-names.ts';
import { withWorkbench } from '../run-with.ts';
import { formatTable, type Terminal } from '../terminal.ts';

interface Flags {
  readonly customer?: string;
  readonly json?: boolean;
}

interface AddFlags extends Flags {
  readonly route: 'key' | 'oauth';
}

/** `keyshift exceptions`: operations that have a route of their own. */
export function addExceptionsCommand(program: Command, { terminal, run }: CommandContext): void {
  const exceptions = program
    .command('exceptions')
    .description('send single operations by a route of their own');
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
    .description('send an operation, such as get_profiles, by key or by OAuth')
    .addOption(
      new Option('--route <route>', 'key or oauth').choices(['key', 'oauth']).makeOptionMandatory(),
    )
    .action(
      run((id: string, flags: AddFlags) =>
        withWorkbench((bench) => add(bench, terminal, id, flags)),
      ),
    );
  withCustomer(exceptions.command('remove <operation>'))
    .description('take an exception back')
    .action(
      run((id: string, flags: Flags) =>
        withWorkbench((bench) => remove(bench, terminal, id, flags)),
      ),
    );
}

function withCustomer(command: Command): Command {
  return command.option('--customer <id>', 'for this customer alone; for all without it');
}

async function add(
  { store, clock }: Workbench,
  terminal: Terminal,
  id: string,
  { customer, route }: AddFlags,
): Promise<number> {
  const operation = operations.find((each) => each.id === id);
  if (!operation) throw unknownOperation(id);
  const connection = customer === undefined ? undefined : await requireConnection(store, customer);
  const atMs = clock.now();
  await store.transaction(async (tx) => {
    const connectionId = connection?.id;
    await tx.routeExceptions.put({
      connectionId,
      operation: id,
      route,
      createdAtMs: atMs,
      actor: 'cli',
    });
    await tx.audit.append(event(atMs, connectionId, `${id} by ${route}`));
  });
  await clock.sleep(settledMs);
  terminal.print(`${id} goes by ${route === 'key' ? 'key' : 'OAuth'} ${whom(customer)}.`);
  const { method, path } = operation;
  if (route === 'key' && recordsEvents({ method, path, headers: {}, operation })) {
    terminal.note('It records events: connections that are live keep sending it by OAuth.');
  }
  return 0;
}

async function remove(
  { store, clock }: Workbench,
  terminal: Terminal,
  id: string,
  { customer }: Flags,
): Promise<number> {
  const connection = customer === undefined ? undefined : await requireConnection(store, customer);
  const atMs = clock.now();
  const removed = await store.transaction(async (tx) => {
    if (!(await tx.routeExceptions.remove(id, connection?.id))) return false;
    await tx.audit.append(event(atMs, connection?.id, `${id} removed`));
    return true;
  });
  if (!removed) {
    throw new KeyshiftError('not_found', `There is no exception for ${id} ${whom(customer)}.`, {
      fix: 'See `keyshift exceptions list`.',
    });
  }
  await clock.sleep(settledMs);
  terminal.print(`${id} follows the routes of connections again ${whom(customer)}.`);
  return 0;
}

async function printList({ store }: Workbench, terminal: Terminal, json: boolean): Promise<void> {
  const exceptions = await store.routeExceptions.list();
  const names = createCustomerNames(store);
  const rows = [];
  for (const { connectionId, operation, route, createdAtMs, actor } of exceptions) {
    const customer = connectionId === undefined ? null : await names.of(connectionId);
    const since = new Date(createdAtMs).toISOString();
    rows.push({ operation, route, customer_id: customer, created_at: since, actor });
  }
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

function event(atMs: number, connectionId: string | undefined, reason: string) {
  return {
    ...{ atMs, actor: 'cli', action: 'route.exception', connectionId, reason },
    ...{ fromStage: undefined, toStage: undefined },
  };
}

function whom(customer: string | undefined): string {
  return customer === undefined ? 'for every customer' : `for ${customer}`;
}

function unknownOperation(id: string): KeyshiftError {
  const near = operations.filter((each) => each.id.includes(id) || each.path === id).slice(0, 3);
  return new KeyshiftError('request_invalid', `Klaviyo has no operation ${JSON.stringify(id)}.`, {
    fix:
      near.length > 0
        ? `Did you mean ${near.map((each) => each.id).join(', ')}?`
        : 'docs/sandbox-coverage.md lists the ids of all operations.',
  });
}
