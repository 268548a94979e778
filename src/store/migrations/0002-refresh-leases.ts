import { sql, type Kysely } from 'kysely';
import type { Schema } from '../schema.ts';

/** Lets failures of a refresh be shared, and the sweeper find what is due by one index. */
export async function up(db: Kysely<Schema>): Promise<void> {
  const columns = {
    due_at: 'bigint',
    failed_at: 'bigint',
    failure_code: 'text',
    failure_message: 'text',
    failure_count: 'bigint',
    retry_at: 'bigint',
  } as const;
  for (const [name, type] of Object.entries(columns)) {
    await db.schema.alterTable('grants').addColumn(name, type).execute();
  }
  // Grants of an earlier version are looked at once, by the first sweep.
  await sql`update grants set due_at = coalesce(expires_at, obtained_at)`.execute(db);
  await db.schema
    .createIndex('grants_by_client_id_state_due_at')
    .on('grants')
    .columns(['client_id', 'state', 'due_at'])
    .execute();
}
