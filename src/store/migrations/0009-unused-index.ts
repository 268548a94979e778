import type { Kysely } from 'kysely';
import type { Schema } from '../schema.ts';

/** Nothing looks for grants by their expiry since they have a due time; every refresh wrote it. */
export async function up(db: Kysely<Schema>): Promise<void> {
  await db.schema.dropIndex('grants_by_state_expires_at').ifExists().execute();
}
