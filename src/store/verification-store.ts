import type { Database } from './database.ts';
import { nameOfCheck, parseCheckName } from '../model/verification.ts';
import type { VerificationStore } from './journey.ts';

/** Keeps what the checks of a consent found. */
export function createVerificationStore(database: Database): VerificationStore {
  return {
    replace: (connectionId, checks) =>
      database.transaction(async () => {
        await database.query((db) =>
          db.deleteFrom('verification_checks').where('connection_id', '=', connectionId),
        );
        if (checks.length === 0) return;
        // Two tabs of one person may end at the same moment; in one order, so that none waits for the other.
        const sorted = checks
          .map((check) => ({ ...check, name: nameOfCheck(check) }))
          .sort((a, b) => (a.name < b.name ? -1 : 1));
        await database.query((db) =>
          db
            .insertInto('verification_checks')
            .values(
              sorted.map((check) => ({
                connection_id: connectionId,
                name: check.name,
                verdict: check.verdict,
                reason: check.reason ?? null,
                detail: check.detail,
                checked_at: check.atMs,
              })),
            )
            .onConflict((conflict) =>
              conflict.columns(['connection_id', 'name']).doUpdateSet((eb) => ({
                verdict: eb.ref('excluded.verdict'),
                reason: eb.ref('excluded.reason'),
                detail: eb.ref('excluded.detail'),
                checked_at: eb.ref('excluded.checked_at'),
              })),
            ),
        );
      }),
    async list(connectionId) {
      const rows = await database.query((db) =>
        db
          .selectFrom('verification_checks')
          .selectAll()
          .where('connection_id', '=', connectionId)
          .orderBy('name'),
      );
      return rows.map((row) => ({
        ...parseCheckName(row.name),
        verdict: row.verdict,
        reason: row.reason ?? undefined,
        detail: row.detail,
        atMs: row.checked_at,
      }));
    },
  };
}
