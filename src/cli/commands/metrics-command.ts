import type { Command } from 'commander';
import { isOwn, type MetricComparison } from '../../migration/metrics/compare-metrics.ts';
import { otherStage, willChange } from '../../migration/operate/plan.ts';
import type { DatedComparison, TakenSnapshot } from '../../migration/metrics/metric-continuity.ts';
import type { Connection } from '../../model/connection.ts';
import { hasConsented } from '../../model/stages.ts';
import type { CommandContext } from '../command-context.ts';
import { writePrivateFile } from '../file-problem.ts';
import { runBatch, type BatchFlags } from '../batch.ts';
import { addChangeOptions, addSelectionOptions } from '../options.ts';
import { count } from '../../runtime/count.ts';
import { formatTable, type Terminal } from '../terminal.ts';
import { toComparisonCsv } from './metrics-csv.ts';
import { addLintCommand } from './metrics-lint.ts';

interface CompareFlags extends BatchFlags {
  readonly csv?: string;
}

/** `keyshift metrics`: what a migration does to the metrics of the accounts. */
export function addMetricsCommand(program: Command, context: CommandContext): void {
  const metrics = program
    .command('metrics')
    .description('watch what the migration does to the metrics of the accounts');
  const { terminal, run } = context;
  addChangeOptions(addSelectionOptions(metrics.command('snapshot')))
    .description('keep the metrics of the accounts, and the flows and segments that use them')
    .option('--json', 'print one JSON object')
    .action(run((flags: BatchFlags) => takeSnapshots(terminal, flags)));
  addChangeOptions(addSelectionOptions(metrics.command('compare')))
    .description('compare the metrics with the snapshot from before the traffic moved')
    .option('--csv <file>', 'write every name of every customer to a CSV file')
    .option('--json', 'print one JSON object')
    .action(run((flags: CompareFlags) => compare(terminal, flags)));
  addLintCommand(metrics, context);
}

interface Found<Result> {
  readonly connection: Connection;
  readonly result: Result;
}

function takeSnapshots(terminal: Terminal, flags: BatchFlags): Promise<number> {
  const named = flags.customer !== undefined;
  return runBatch(terminal, flags, {
    caution: 'none',
    useCase: ({ metrics }) => ({
      decide: async (connection) =>
        named || connection.accountId !== undefined
          ? willChange(undefined, 'its metrics are read and kept')
          : otherStage(connection, 'its account is still unknown'),
      carryOut: (connection, _change, { signal }) => metrics.snapshot(connection, signal),
    }),
    finish: ({ done: found, skipped }) => ({
      json: { skipped, snapshots: byCustomer(found).map(toSnapshotJson) },
      text: [
        ...byCustomer(found).map(({ connection, result: { metrics, dependents, knows } }) => {
          const own = metrics.filter(isOwn);
          const hidden = [knows.flows ? [] : 'flows', knows.segments ? [] : 'segments'].flat();
          const unread = hidden.length === 0 ? '' : ` (${hidden.join(' and ')} could not be read)`;
          return (
            `${connection.customerId}: ${count(metrics.length, 'metric')}, ${own.length} from keys or apps, ` +
            `${count(dependents.length, 'flow or segment uses', 'flows and segments use')} them${unread}`
          );
        }),
        `${count(found.length, 'snapshot')} taken, ${skipped} at other stages`,
      ].join('\n'),
    }),
  });
}

function toSnapshotJson({ connection, result }: Found<TakenSnapshot>) {
  const { takenAtMs, metrics, dependents, knows } = result;
  return {
    customer_id: connection.customerId,
    account_id: connection.accountId ?? null,
    taken_at: new Date(takenAtMs).toISOString(),
    ...{ metrics, dependents, knows },
  };
}

async function compare(terminal: Terminal, flags: CompareFlags): Promise<number> {
  const named = flags.customer !== undefined;
  let found: readonly Found<DatedComparison>[] = [];
  const exitCode = await runBatch(terminal, flags, {
    caution: 'none',
    useCase: ({ metrics }) => ({
      decide: async (connection) =>
        named || hasConsented(connection)
          ? willChange(undefined, 'its metrics are compared')
          : otherStage(connection, 'there is no consent yet'),
      carryOut: (connection, _change, { signal }) => metrics.compare(connection, signal),
    }),
    finish({ done, skipped }) {
      found = byCustomer(done);
      return {
        json: { skipped, verdicts: countVerdicts(found), comparisons: found.map(toJson) },
        text: toText(found, skipped),
        exitCode: found.some(({ result }) => isBad(result)) ? 2 : 0,
      };
    },
  });
  if (flags.csv !== undefined) {
    await writePrivateFile(flags.csv, toComparisonCsv(found));
  }
  return exitCode;
}

function toText(found: readonly Found<DatedComparison>[], skipped: number): string {
  const rows = found.flatMap(({ connection, result }) =>
    result.names.map(({ name, verdict, detail, affected }) => [
      connection.customerId,
      verdict,
      name,
      affected.length === 0 ? detail : `${detail}; see ${affected.map(label).join(', ')}`,
    ]),
  );
  const counts = Object.entries(countVerdicts(found)).map(([verdict, n]) => `${n} ${verdict}`);
  return [
    ...(rows.length === 0 ? [] : formatTable(['CUSTOMER', 'VERDICT', 'METRIC', 'WHAT'], rows)),
    `${found.length} compared${counts.map((each) => `, ${each}`).join('')}; ${skipped} at other stages`,
  ].join('\n');
}

const label = ({ kind, name, id }: { kind: string; name: string; id: string }) =>
  `${kind} ${name || id}`;

function countVerdicts(found: readonly Found<MetricComparison>[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { result } of found) counts[result.verdict] = (counts[result.verdict] ?? 0) + 1;
  return counts;
}

function isBad({ verdict }: MetricComparison): boolean {
  return verdict === 'duplicated' || verdict === 'missing';
}

function toJson({ connection, result }: Found<DatedComparison>) {
  const { verdict, names, snapshotAtMs, countedSinceMs, comparedAtMs } = result;
  return {
    customer_id: connection.customerId,
    account_id: connection.accountId ?? null,
    verdict,
    snapshot_at: new Date(snapshotAtMs).toISOString(),
    counted_since: new Date(countedSinceMs).toISOString(),
    compared_at: new Date(comparedAtMs).toISOString(),
    names: names.map(({ idChanged, after, ...rest }) => ({
      ...rest,
      id_changed: idChanged,
      after: after.map(({ counts, ...metric }) => ({ ...metric, counts: counts ?? null })),
    })),
  };
}

function byCustomer<Result>(found: readonly Found<Result>[]): readonly Found<Result>[] {
  return found.toSorted((a, b) => (a.connection.customerId < b.connection.customerId ? -1 : 1));
}
