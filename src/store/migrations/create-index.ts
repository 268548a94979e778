import { sql, type Kysely } from 'kysely';
import type { Schema } from '../schema.ts';

/** Creates an index over columns of a table, named after both. */
export async function createIndex(
  db: Kysely<Schema>,
  table: keyof Schema,
  columns: readonly string[],
): Promise<void> {
  await db.schema
    .createIndex(`${table}_by_${columns.join('_')}`)
    .on(table)
    .columns(columns.map((column) => sql.ref(column)))
    .execute();
}
