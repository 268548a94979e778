import type { Dialect } from 'kysely';
import type { DatabaseKind } from './database-url.ts';

/** One kind of database as the rest of the store sees it. */
export interface DatabaseBackend {
  readonly kind: DatabaseKind;
  /** Names the database for people; holds no password. */
  readonly label: string;
  readonly dialect: Dialect;
  /** Where the tables lie, on a database that has schemas. */
  readonly schema?: string;
  /** The dialect for migrations, when they need other limits than queries. */
  readonly createMigrationDialect?: () => Dialect;
  /**
   * Names the state of the data, where that costs less than reading: equal names, equal data.
   * Undefined while it cannot tell, as in a transaction.
   */
  readonly version?: () => string | undefined;
  /** One sentence without a full stop when the error means the database cannot be used. */
  describeOutage(error: unknown): string | undefined;
  /** Whether the transaction lost a race and may be run again. */
  isRetryable(error: unknown): boolean;
  isForeignKeyViolation(error: unknown): boolean;
  isMissingTable(error: unknown): boolean;
}
