import { sql, type Kysely } from 'kysely';
import type { Schema } from '../schema.ts';

/**
 * Gives every key the account that it was proved for. A key of before counts as proved only where
 * the audit log has its own check, and no operator gave the connection another account since. Any
 * other has to be checked; its connection goes on by the consent it has.
 */
export async function up(db: Kysely<Schema>): Promise<void> {
  await db.schema.alterTable('private_keys').addColumn('account_id', 'text').execute();
  await db
    .updateTable('private_keys')
    .set((eb) => ({
      account_id: eb
        .selectFrom('connections')
        .select('connections.account_id')
        .whereRef('connections.id', '=', 'private_keys.connection_id'),
    }))
    .where((eb) =>
      eb.exists(
        eb
          .selectFrom('audit_events as check')
          .select('check.seq')
          .whereRef('check.connection_id', '=', 'private_keys.connection_id')
          .where('check.action', '=', 'connection.stage')
          .where('check.to_stage', '=', 'checked')
          // A rollback, a disconnect and a revoked link lead here too, and say so.
          .where('check.reason', 'is', null)
          .whereRef('check.at', '>=', 'private_keys.created_at')
          .where(({ not, exists, selectFrom }) =>
            not(
              exists(
                selectFrom('audit_events as later')
                  .select('later.seq')
                  .whereRef('later.connection_id', '=', 'check.connection_id')
                  .whereRef('later.seq', '>', 'check.seq')
                  .where('later.to_stage', '=', 'authorized')
                  .where('later.reason', 'like', 'account % → %: %'),
              ),
            ),
          ),
      ),
    )
    .execute();
  await db
    .updateTable('connections')
    .set({ route: 'oauth', canary_percent: null, version: sql`version + 1` })
    .where('route', '!=', 'oauth')
    .where('stage', 'in', ['authorized', 'verified', 'canary'])
    .where((eb) =>
      eb.exists(
        eb
          .selectFrom('private_keys')
          .select('private_keys.connection_id')
          .whereRef('private_keys.connection_id', '=', 'connections.id')
          .where('private_keys.account_id', 'is', null),
      ),
    )
    .where('account_id', 'is not', null)
    .execute();
}
