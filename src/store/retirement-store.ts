import type { Database } from './database.ts';
import type { RetirementStore } from './journey.ts';

/** Keeps how far the end of each private key has come. */
export function createRetirementStore(database: Database): RetirementStore {
  return {
    async find(connectionId) {
      const [row] = await database.query((db) =>
        db.selectFrom('retirements').selectAll().where('connection_id', '=', connectionId),
      );
      return (
        row && {
          connectionId: row.connection_id,
          quietAtMs: row.quiet_at,
          proof: row.proof ?? undefined,
          detail: row.detail ?? undefined,
          provedAtMs: row.proved_at ?? undefined,
          retiredAtMs: row.retired_at ?? undefined,
        }
      );
    },
    async save(retirement) {
      const columns = {
        quiet_at: retirement.quietAtMs,
        proof: retirement.proof ?? null,
        detail: retirement.detail ?? null,
        proved_at: retirement.provedAtMs ?? null,
        retired_at: retirement.retiredAtMs ?? null,
      };
      await database.query((db) =>
        db
          .insertInto('retirements')
          .values({ connection_id: retirement.connectionId, ...columns })
          .onConflict((conflict) => conflict.column('connection_id').doUpdateSet(columns)),
      );
    },
  };
}
