import type { Kysely } from 'kysely';
import type { Schema } from '../schema.ts';

/** Sweepers take turns, so that all processes together keep to one rate. */
export async function up(db: Kysely<Schema>): Promise<void> {
  await db.schema
    .createTable('sweep_turns')
    .addColumn('client_id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('ends_at', 'bigint', (column) => column.notNull())
    .execute();
}
