import type { DatedComparison } from '../../migration/metrics/metric-continuity.ts';
import type { Connection } from '../../model/connection.ts';

const columns = [
  'customer_id',
  'account_id',
  'customer_verdict',
  'metric',
  'verdict',
  'detail',
  'ids_before',
  'ids_after',
  'id_changed',
  'events_since',
  'counted_since',
  'affected',
];

/** Every name of every customer, one a line. */
export function toComparisonCsv(
  found: readonly { readonly connection: Connection; readonly result: DatedComparison }[],
): string {
  const rows = found.flatMap(({ connection, result }) =>
    result.names.map(({ name, verdict, detail, before, after, idChanged, affected }) => [
      connection.customerId,
      connection.accountId ?? '',
      result.verdict,
      name,
      verdict,
      detail,
      before.map(({ id }) => id).join(' '),
      after.map(({ id }) => id).join(' '),
      idChanged ? 'yes' : 'no',
      after.map(({ counts }) => String(counts?.total ?? 'unknown')).join(' '),
      new Date(result.countedSinceMs).toISOString(),
      affected.map((each) => `${each.kind} ${each.id} ${each.name}`).join('; '),
    ]),
  );
  return [columns, ...rows].map((row) => `${row.map(toCell).join(',')}\r\n`).join('');
}

/** Names come from accounts: a spreadsheet must not take one for a formula. */
function toCell(value: string): string {
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
