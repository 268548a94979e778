import type { Command } from 'commander';
import { listComparisons } from '../../migration/report/queries.ts';
import { requireConnection } from '../../migration/operate/selection.ts';
import { changeShadow } from '../../migration/operate/single-connection.ts';
import type { Workbench } from '../../core/workbench.ts';
import { runAction } from '../batch.ts';
import type { CommandContext } from '../command-context.ts';
import { addChangeOptions, whole, type ChangeFlags } from '../options.ts';
import { withWorkbench } from '../run-with.ts';
import { formatTable, type Terminal } from '../terminal.ts';

interface Flags extends ChangeFlags {
  readonly customer?: string;
  readonly percent?: number;
  readonly clear?: boolean;
}

/** `keyshift shadow`: repeats reads over OAuth, and shows where the answers differed. */
export function addShadowCommand(program: Command, { terminal, run }: CommandContext): void {
  addChangeOptions(program.command('shadow'))
    .description('repeat a share of the reads over OAuth, compare, and show the differences')
    .option('--customer <id>', 'only this customer; needed with --percent')
    .option('--percent <n>', 'share of the reads to repeat, 0 to 100', whole(0, 100))
    .option('--clear', 'forget earlier comparisons')
    .option('--json', 'print one JSON object')
    .action(
      run((flags: Flags) =>
        withWorkbench(async (workbench) => {
          const { customer: customerId, percent, clear } = flags;
          const finish = () => printResults(workbench, terminal, flags);
          if (percent === undefined && clear !== true) return finish();
          return runAction(terminal, flags, {
            action: changeShadow(workbench, { customerId, percent, clear }),
            caution: 'many',
            finish,
          });
        }),
      ),
    );
}

/** Exit code 2 where answers differed. */
async function printResults(
  { store }: Workbench,
  terminal: Terminal,
  { customer, json }: Flags,
): Promise<number> {
  const connection = customer === undefined ? undefined : await requireConnection(store, customer);
  const rows = (await listComparisons(store, customer)).map((result) => ({
    customer_id: result.customerId,
    operation: result.operation,
    compared: result.compared,
    different: result.different,
    last_difference: result.lastDifference ?? null,
    last_compared_at: new Date(result.lastComparedAtMs).toISOString(),
  }));
  const share = connection && (connection.shadowPercent ?? 0);
  if (json === true) {
    terminal.print(JSON.stringify({ shadow_percent: share ?? null, results: rows }));
  } else {
    if (share !== undefined)
      terminal.print(`${share} % of the reads with the key are repeated over OAuth.`);
    if (rows.length === 0) terminal.print('Nothing was compared yet.');
    else printRows(terminal, rows);
  }
  return rows.some(({ different }) => different > 0) ? 2 : 0;
}

function printRows(
  terminal: Terminal,
  rows: readonly {
    readonly customer_id: string;
    readonly operation: string;
    readonly compared: number;
    readonly different: number;
    readonly last_difference: string | null;
  }[],
): void {
  const head = ['CUSTOMER', 'OPERATION', 'COMPARED', 'DIFFERENT', 'LAST DIFFERENCE'];
  const cells = rows.map((row) => [
    row.customer_id,
    row.operation,
    String(row.compared),
    String(row.different),
    row.last_difference ?? '–',
  ]);
  for (const line of formatTable(head, cells)) terminal.print(line);
}
