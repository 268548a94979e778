import type { Database } from './database.ts';
import type { KeySightingTable } from './traffic-schema.ts';

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
  /** Forgets who was not seen since `beforeMs`; answers how many. */
  purge(beforeMs: number): Promise<number>;
}

/** Keeps sightings. */
export function createKeySightingStore(database: Database): KeySightingStore {
  return {
    async add(sightings) {
      const rows = sightings.map(toColumns).sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
      await database.transaction(async () => {
        for (const row of rows) {
          await database.query((db) =>
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
      return rows.map((row) => ({
        connectionId: row.connection_id,
        source: row.source,
        userAgent: row.user_agent,
        operation: row.operation,
        calls: row.calls,
        firstSeenAtMs: row.first_seen_at,
        lastSeenAtMs: row.last_seen_at,
      }));
    },
    async purge(beforeMs) {
      const rows = await database.query((db) =>
        db.deleteFrom('key_sightings').where('last_seen_at', '<', beforeMs).returning('operation'),
      );
      return rows.length;
    },
  };
}

function toColumns(sighting: KeySighting): KeySightingTable {
  return {
    connection_id: sighting.connectionId,
    source: sighting.source,
    user_agent: sighting.userAgent,
    operation: sighting.operation,
    calls: sighting.calls,
    first_seen_at: sighting.firstSeenAtMs,
    last_seen_at: sighting.lastSeenAtMs,
  };
}

/** One order for every writer: two that wait for each other would deadlock. */
function nameOf(row: KeySightingTable): string {
  return JSON.stringify([row.connection_id, row.source, row.user_agent, row.operation]);
}
