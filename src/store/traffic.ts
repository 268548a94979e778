import { sql, type Kysely } from 'kysely';
import {
  trafficBucketMs,
  type ObservedOperation,
  type RouteTally,
  type TrafficOutcome,
  type TrafficRow,
} from '../model/traffic.ts';
import { createRowMapper, type ColumnsOf } from './columns.ts';
import type { Database } from './database.ts';
import type { Schema, TrafficBucketRow } from './schema.ts';
import { statement, type ParameterOf } from './statement.ts';

/** Counted calls: written by the proxy every few seconds, read by reports and decisions. */
export interface TrafficStore {
  /** Adds to the buckets; rows of the same bucket are summed up. All of them or none. */
  add(rows: readonly TrafficRow[]): Promise<void>;
  /**
   * What a connection's routes carried since `sinceMs`. A bucket counts as a whole when its last
   * call came at or after `sinceMs`: up to ten minutes too much, never a call too little.
   */
  summarize(
    connectionId: string,
    sinceMs: number,
  ): Promise<{ readonly key: RouteTally; readonly oauth: RouteTally }>;
  /** Operations seen since `sinceMs`, of one connection or of all, by connection, operation, route. */
  observedOperations(sinceMs: number, connectionId?: string): Promise<readonly ObservedOperation[]>;
  /** The counted rows of one connection since `sinceMs`, oldest bucket first. */
  list(connectionId: string, sinceMs: number): Promise<readonly TrafficRow[]>;
  /** Deletes buckets whose last call came before `beforeMs`; returns how many. */
  purge(beforeMs: number): Promise<number>;
}

/** PostgreSQL takes 65,535 parameters in one statement; a row has nine. */
const rowsPerStatement = 500;

const okOutcomes: readonly TrafficOutcome[] = ['2xx', '3xx'];
const refusedOutcomes: readonly TrafficOutcome[] = ['refused'];
const failedOutcomes: readonly TrafficOutcome[] = ['5xx', 'edge', 'network'];

/** In a row an empty connection id means no known customer: no part of a primary key is null. */
type TrafficFields = TrafficRow & { readonly connectionId: string };

const columns = {
  connectionId: 'connection_id',
  bucketStartMs: 'bucket_start',
  route: 'route',
  operation: 'operation',
  outcome: 'status',
  calls: 'calls',
  totalMs: 'total_ms',
  lastError: 'last_error',
  lastAtMs: 'last_at',
} as const satisfies ColumnsOf<TrafficFields, TrafficBucketRow>;

const mapper = createRowMapper<TrafficFields, TrafficBucketRow, typeof columns>(columns);

const list = statement(
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

const purge = statement((db, p: ParameterOf<{ before: number }>) =>
  db
    .deleteFrom('traffic')
    .where('bucket_start', '<', p('before'))
    .where('last_at', '<', p('before')),
);

/** Keeps the counters of traffic. */
export function createTrafficStore(database: Database): TrafficStore {
  const listSince = (connectionId: string, sinceMs: number) =>
    database.all(list, { connectionId, fromBucket: sinceMs - trafficBucketMs, since: sinceMs });

  return {
    async add(rows) {
      const merged = mergeRows(rows);
      if (merged.length === 0) return;
      await database.transaction(async (tx) => {
        for (let i = 0; i < merged.length; i += rowsPerStatement) {
          await tx.query((db) => upsert(db, merged.slice(i, i + rowsPerStatement)));
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
    list: async (connectionId, sinceMs) =>
      (await listSince(connectionId, sinceMs)).map((row) => ({
        ...mapper.toRecord(row),
        connectionId: row.connection_id || undefined,
      })),
    purge: (beforeMs) => database.run(purge, { before: beforeMs }),
  };
}

/** One row a bucket, in one order for every writer: two that wait for each other would deadlock. */
function mergeRows(rows: readonly TrafficRow[]): TrafficBucketRow[] {
  const merged = new Map<string, TrafficBucketRow>();
  for (const row of rows) {
    const columns = toRow(row);
    const { connection_id, bucket_start, route, operation, status } = columns;
    const key = JSON.stringify([connection_id, bucket_start, route, operation, status]);
    const earlier = merged.get(key);
    merged.set(key, earlier ? sum(earlier, columns) : columns);
  }
  return [...merged].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, columns]) => columns);
}

function sum(a: TrafficBucketRow, b: TrafficBucketRow): TrafficBucketRow {
  return {
    ...a,
    calls: a.calls + b.calls,
    total_ms: a.total_ms + b.total_ms,
    last_error: b.last_error ?? a.last_error,
    last_at: Math.max(a.last_at, b.last_at),
  };
}

function upsert(db: Kysely<Schema>, rows: readonly TrafficBucketRow[]) {
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

function tally(rows: readonly TrafficBucketRow[], route: 'key' | 'oauth'): RouteTally {
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

function toRow(row: TrafficRow): TrafficBucketRow {
  return mapper.toRow({
    ...row,
    connectionId: row.connectionId ?? '',
    totalMs: Math.round(row.totalMs),
  });
}
