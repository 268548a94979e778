import { createRowMapper, type ColumnsOf } from './columns.ts';
import type { Database } from './database.ts';
import type { KeySightingRow, ShadowResultRow } from './schema.ts';

/** Somebody who presents a customer's private key although its traffic is on OAuth. */
export interface KeySighting {
  readonly connectionId: string;
  /** Address that the calls came from. */
  readonly source: string;
  /** Empty when the caller sent none. */
  readonly userAgent: string;
  readonly operation: string;
  readonly calls: number;
  readonly firstSeenAtMs: number;
  readonly lastSeenAtMs: number;
}

/** Who still holds a key. */
export interface KeySightingStore {
  /** Adds to what is known of the same connection, source, user agent and operation. */
  add(sightings: readonly KeySighting[]): Promise<void>;
  /** Seen at or after `sinceMs`, of one connection or of all; most recent first. */
  list(sinceMs: number, connectionId?: string): Promise<readonly KeySighting[]>;
  /** Forgets who was not seen since `beforeMs`; returns how many. */
  purge(beforeMs: number): Promise<number>;
}

/** How the answers to one operation compared, by key and by OAuth. */
export interface ShadowResult {
  readonly connectionId: string;
  readonly operation: string;
  readonly compared: number;
  readonly different: number;
  readonly lastComparedAtMs: number;
  readonly lastDifferentAtMs: number | undefined;
  /** Where the last pair differed: statuses or the path into the body, never a value of it. */
  readonly lastDifference: string | undefined;
}

/** Comparisons of shadow reads. */
export interface ShadowStore {
  /** Adds to what is known of the same connection and operation. */
  add(results: readonly ShadowResult[]): Promise<void>;
  /** Of one connection or of all, those with differences first. */
  list(connectionId?: string): Promise<readonly ShadowResult[]>;
  /** Forgets a connection's comparisons, or all. */
  clear(connectionId?: string): Promise<void>;
}

const sightingColumns = {
  connectionId: 'connection_id',
  source: 'source',
  userAgent: 'user_agent',
  operation: 'operation',
  calls: 'calls',
  firstSeenAtMs: 'first_seen_at',
  lastSeenAtMs: 'last_seen_at',
} as const satisfies ColumnsOf<KeySighting, KeySightingRow>;

const sightings = createRowMapper<KeySighting, KeySightingRow, typeof sightingColumns>(
  sightingColumns,
);

/** Keeps sightings. */
export function createKeySightingStore(database: Database): KeySightingStore {
  return {
    async add(added) {
      const rows = inOneOrder(added.map(sightings.toRow), (row) => [
        ...[row.connection_id, row.source, row.user_agent, row.operation],
      ]);
      await database.transaction(async (tx) => {
        for (const row of rows) {
          await tx.query((db) =>
            db
              .insertInto('key_sightings')
              .values(row)
              .onConflict((conflict) =>
                conflict
                  .columns(['connection_id', 'source', 'user_agent', 'operation'])
                  .doUpdateSet((eb) => ({
                    calls: eb('key_sightings.calls', '+', eb.ref('excluded.calls')),
                    last_seen_at: eb
                      .case()
                      .when('excluded.last_seen_at', '>', eb.ref('key_sightings.last_seen_at'))
                      .then(eb.ref('excluded.last_seen_at'))
                      .else(eb.ref('key_sightings.last_seen_at'))
                      .end(),
                  })),
              ),
          );
        }
      });
    },
    async list(sinceMs, connectionId) {
      const rows = await database.query((db) => {
        const seen = db
          .selectFrom('key_sightings')
          .selectAll()
          .where('last_seen_at', '>=', sinceMs)
          .orderBy('last_seen_at', 'desc')
          .orderBy('operation');
        return connectionId === undefined ? seen : seen.where('connection_id', '=', connectionId);
      });
      return rows.map(sightings.toRecord);
    },
    async purge(beforeMs) {
      const rows = await database.query((db) =>
        db.deleteFrom('key_sightings').where('last_seen_at', '<', beforeMs).returning('operation'),
      );
      return rows.length;
    },
  };
}

const resultColumns = {
  connectionId: 'connection_id',
  operation: 'operation',
  compared: 'compared',
  different: 'different',
  lastComparedAtMs: 'last_compared_at',
  lastDifferentAtMs: 'last_different_at',
  lastDifference: 'last_difference',
} as const satisfies ColumnsOf<ShadowResult, ShadowResultRow>;

const comparisons = createRowMapper<ShadowResult, ShadowResultRow, typeof resultColumns>(
  resultColumns,
);

/** Keeps comparisons. */
export function createShadowStore(database: Database): ShadowStore {
  return {
    async add(results) {
      const rows = inOneOrder(results.map(comparisons.toRow), (row) => [
        ...[row.connection_id, row.operation],
      ]);
      await database.transaction(async (tx) => {
        for (const row of rows) {
          await tx.query((db) =>
            db
              .insertInto('shadow_results')
              .values(row)
              .onConflict((conflict) =>
                conflict.columns(['connection_id', 'operation']).doUpdateSet((eb) => ({
                  compared: eb('shadow_results.compared', '+', eb.ref('excluded.compared')),
                  different: eb('shadow_results.different', '+', eb.ref('excluded.different')),
                  last_compared_at: eb.ref('excluded.last_compared_at'),
                  last_different_at: eb.fn.coalesce(
                    'excluded.last_different_at',
                    'shadow_results.last_different_at',
                  ),
                  last_difference: eb.fn.coalesce(
                    'excluded.last_difference',
                    'shadow_results.last_difference',
                  ),
                })),
              ),
          );
        }
      });
    },
    async list(connectionId) {
      const rows = await database.query((db) => {
        const all = db
          .selectFrom('shadow_results')
          .selectAll()
          .orderBy('different', 'desc')
          .orderBy('connection_id')
          .orderBy('operation');
        return connectionId === undefined ? all : all.where('connection_id', '=', connectionId);
      });
      return rows.map(comparisons.toRecord);
    },
    async clear(connectionId) {
      await database.query((db) => {
        const all = db.deleteFrom('shadow_results');
        return connectionId === undefined ? all : all.where('connection_id', '=', connectionId);
      });
    },
  };
}

/** One order for every writer: two that wait for each other would deadlock. */
function inOneOrder<Row>(rows: readonly Row[], keyOf: (row: Row) => readonly string[]): Row[] {
  const nameOf = (row: Row) => JSON.stringify(keyOf(row));
  return rows.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
}
