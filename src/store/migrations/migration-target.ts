import type { Kysely, RawBuilder } from 'kysely';
import type { DatabaseKind } from '../database-url.ts';
import type { Schema } from '../schema.ts';

/** The database that a migration works on, within its transaction. */
export interface MigrationTarget {
  readonly kind: DatabaseKind;
  /** Where our tables lie, on a database that has schemas. */
  readonly schema: string | undefined;
  /** Names tables in the schema where ours lie. */
  readonly db: Kysely<Schema>;
  /** A table or function of ours, in the schema where ours lie, for SQL written by hand. */
  readonly table: (name: string) => RawBuilder<unknown>;
}
