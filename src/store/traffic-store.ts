import { sql, type Kysely } from 'kysely';
import type { Database } from './database.ts';
import type { ParameterOf } from './prepared-statement.ts';
import type { Schema } from './schema.ts';
import type { TrafficTable } from './traffic-schema.ts';
import {
  trafficBucketMs,
  type RouteTally,
  type TrafficOutcome,
  type TrafficRow,
} from '../model/traffic.ts';
import type { TrafficStore } from './traffic.ts';

/** PostgreSQL takes 65,535 parameters in one statement; a row has nine. */
const rowsPerStatement = 500;

const okOutcomes: readonly TrafficOutcome[] = ['2xx', '3xx'];
const refusedOutcomes: readonly TrafficOutcome[] = ['refused'];
const failedOutcomes: readonly TrafficOutcome[] = ['5xx', 'edge', 'network'];

/** Keeps the counters of traffic. */
export function createTrafficStore(database: Database): TrafficStore {
  const list = database.prepare(
    (db, p: ParameterOf<{ connectionId: string; fromBucket: number; since: number }>) =>
      db
        .selectFrom('traffic')
        .selectAll()
        .where('connection_id', '=', p('connectionId'))
        .where('bucket_start', '>', p('fromBucket'))
        .where('last_at', '>=', p('since'))
        .orderBy('bucket_start')
        .orderBy('operation'),
  );
  const purge = database.prepare((db, p: ParameterOf<{ before: number }>) =>
    db
      .deleteFrom('traffic')
      .where('bucket_start', '<', p('before'))
      .where('last_at', '<', p('before')),
  );
  const listSince = (connectionId: string, sinceMs: number) =>
    list.all({ connectionId, fromBucket: sinceMs - trafficBucketMs, since: sinceMs });
  return {
    async add(rows) {
      const columns = mergeRows(rows);
      if (columns.length === 0) return;
      await database.transaction(async () => {
        for (let i = 0; i < columns.length; i += rowsPerStatement) {
          await database.query((db) => upsert(db, columns.slice(i, i + rowsPerStatement)));
        }
      });
    },
    async summarize(connectionId, sinceMs) {
      const rows = await listSince(connectionId, sinceMs);
      return { key: tally(rows, 'key'), oauth: tally(rows, 'oauth') };
    },
    async observedOperations(sinceMs, connectionId) {
      const rows = await database.query((db) => selectObserved(db, sinceMs, connectionId));
      return rows.map((row) => ({ ...row, connectionId: row.connectionId || undefined }));
    },
    list: async (connectionId, sinceMs) => (await listSince(connectionId, sinceMs)).map(toRow),
    purge: (beforeMs) => purge.run({ before: beforeMs }),
  };
}

/** One row a bucket, in one order for every writer: two that wait for each other would deadlock. */
function mergeRows(rows: readonly TrafficRow[]): TrafficTable[] {
  const merged = new Map<string, TrafficTable>();
  for (const row of rows) {
    const columns = toColumns(row);
    const { connection_id, bucket_start, route, operation, status } = columns;
    const key = JSON.stringify([connection_id, bucket_start, route, operation, status]);
    const earlier = merged.get(key);
    merged.set(key, earlier ? sum(earlier, columns) : columns);
  }
  return [...merged].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, columns]) => columns);
}

function sum(a: TrafficTable, b: TrafficTable): TrafficTable {
  return {
    ...a,
    calls: a.calls + b.calls,
    total_ms: a.total_ms + b.total_ms,
    last_error: b.last_error ?? a.last_error,
    last_at: Math.max(a.last_at, b.last_at),
  };
}

function upsert(db: Kysely<Schema>, rows: readonly TrafficTable[]) {
  return db
    .insertInto('traffic')
    .values(rows)
    .onConflict((conflict) =>
      conflict
        .columns(['connection_id', 'bucket_start', 'route', 'operation', 'status'])
        .doUpdateSet((eb) => ({
          calls: eb('traffic.calls', '+', eb.ref('excluded.calls')),
          total_ms: eb('traffic.total_ms', '+', eb.ref('excluded.total_ms')),
          last_error: eb.fn.coalesce('excluded.last_error', 'traffic.last_error'),
          last_at: eb
            .case()
            .when('excluded.last_at', '>', eb.ref('traffic.last_at'))
            .then(eb.ref('excluded.last_at'))
            .else(eb.ref('traffic.last_at'))
            .end(),
        })),
    );
}

function selectObserved(db: Kysely<Schema>, sinceMs: number, connectionId: string | undefined) {
  const sumOf = (outcomes?: readonly TrafficOutcome[]) =>
    outcomes
      ? sql<number>`cast(sum(case when status in (${sql.join(outcomes)}) then calls else 0 end) as bigint)`
      : sql<number>`cast(sum(calls) as bigint)`;
  const observed = db
    .selectFrom('traffic')
    .select((eb) => [
      'connection_id as connectionId',
      'operation',
      'route',
      sumOf().as('calls'),
      sumOf(okOutcomes).as('ok'),
      sumOf(refusedOutcomes).as('refused'),
      sumOf(failedOutcomes).as('failed'),
      eb.fn.max('last_at').as('lastAtMs'),
    ])
    .where('bucket_start', '>', sinceMs - trafficBucketMs)
    .where('last_at', '>=', sinceMs)
    .groupBy(['connection_id', 'operation', 'route'])
    .orderBy('connection_id')
    .orderBy('operation')
    .orderBy('route');
  return connectionId === undefined ? observed : observed.where('connection_id', '=', connectionId);
}

function tally(rows: readonly TrafficTable[], route: 'key' | 'oauth'): RouteTally {
  const own = rows.filter((row) => row.route === route);
  const callsOf = (outcomes?: readonly TrafficOutcome[]) =>
    own
      .filter(({ status }) => outcomes?.includes(status) ?? true)
      .reduce((total, { calls }) => total + calls, 0);
  return {
    calls: callsOf(),
    ok: callsOf(okOutcomes),
    refused: callsOf(refusedOutcomes),
    failed: callsOf(failedOutcomes),
    lastAtMs: own.length > 0 ? Math.max(...own.map((row) => row.last_at)) : undefined,
  };
}

function toColumns(row: TrafficRow): TrafficTable {
  return {
    connection_id: row.connectionId ?? '',
    bucket_start: row.bucketStartMs,
    route: row.route,
    operation: row.operation,
    status: row.outcome,
    calls: row.calls,
    total_ms: Math.round(row.totalMs),
    last_error: row.lastError ?? null,
    last_at: row.lastAtMs,
  };
}

function toRow(row: TrafficTable): TrafficRow {
  return {
    connectionId: row.connection_id || undefined,
    bucketStartMs: row.bucket_start,
    route: row.route,
    operation: row.operation,
    outcome: row.status,
    calls: row.calls,
    totalMs: row.total_ms,
    lastError: row.last_error ?? undefined,
    lastAtMs: row.last_at,
  };
}
