import { Kysely, sql } from 'kysely';
import type { DatabaseBackend } from './database-backend.ts';
import { databaseUnavailable } from './database-unavailable.ts';
import * as initial from './migrations/0010-schema.ts';
import * as auditProofs from './migrations/0011-audit-proofs.ts';
import * as keyAccounts from './migrations/0012-key-accounts.ts';
import type { MigrationTarget } from './migrations/migration-target.ts';
import { earlierMigrations, findEarlier, takeOver } from './migrations/take-over.ts';
import type { Schema } from './schema.ts';

const migrationTable = 'keyshift_migrations';

/** Everything but this one process's migrations is kept out by it; any number will do. */
const lockKey = 7_245_310_994;

/** Makes what a migration needs to know of the database it works on. */
export type PrepareMigration = (db: Kysely<Schema>) => Promise<initial.ChainContext>;

type MigrationStep = (target: MigrationTarget, prepare: PrepareMigration) => Promise<void>;

/** The one that creates every table, or takes over those of an earlier version. */
const first = '0010-schema';

/** Every migration, for both databases, in order of its name. Applied ones are never changed. */
const migrations: Readonly<Record<string, MigrationStep>> = {
  [first]: createOrTakeOver,
  '0011-audit-proofs': auditProofs.up,
  '0012-key-accounts': ({ db }) => keyAccounts.up(db),
};

/**
 * Brings the database to the newest schema, in one transaction: when it fails, nothing is left of
 * it. Several processes may call it at once: one migrates, the others wait. Throws
 * `database_unavailable` when a newer Keyshift has already been here.
 *
 * @returns the names of the migrations that were applied by this call
 */
export async function migrate(
  db: Kysely<Schema>,
  backend: DatabaseBackend,
  prepare: PrepareMigration,
): Promise<string[]> {
  // The usual start: one read, and no lock.
  const missing = missingFrom(await readApplied(createTarget(db, backend), backend), backend);
  if (missing.length === 0) return [];

  const separate = backend.createMigrationDialect?.();
  const migrationDb = separate ? new Kysely<Schema>({ dialect: separate }) : db;
  try {
    return await migrationDb
      .transaction()
      .execute((tx) => runMigrations(createTarget(tx, backend), backend, prepare));
  } finally {
    if (separate) await migrationDb.destroy();
  }
}

function createTarget(db: Kysely<Schema>, { kind, schema }: DatabaseBackend): MigrationTarget {
  return {
    kind,
    schema,
    db: schema === undefined ? db : db.withSchema(schema),
    table: (name) => sql.table(schema === undefined ? name : `${schema}.${name}`),
  };
}

async function runMigrations(
  target: MigrationTarget,
  backend: DatabaseBackend,
  prepare: PrepareMigration,
): Promise<string[]> {
  if (target.kind === 'postgres') {
    await sql`select pg_advisory_xact_lock(${sql.lit(lockKey)})`.execute(target.db);
    await createSchema(target);
  }
  await target.db.schema
    .createTable(migrationTable)
    .ifNotExists()
    .addColumn('name', 'varchar(255)', (column) => column.primaryKey().notNull())
    .addColumn('timestamp', 'varchar(255)', (column) => column.notNull())
    .execute();
  // Another process may have come first while this one waited for its turn.
  const missing = missingFrom(await readApplied(target, backend), backend);
  for (const name of missing) {
    await migrations[name]?.(target, prepare);
    await sql`
      insert into ${target.table(migrationTable)} (name, timestamp)
      values (${name}, ${new Date((await prepare(target.db)).nowMs).toISOString()})
    `.execute(target.db);
  }
  return missing;
}

/** Where the schema is there already, its owner may lack the right to create one. */
async function createSchema({ db, schema }: MigrationTarget): Promise<void> {
  if (schema === undefined) return;
  const { rows } = await sql`select 1 from pg_namespace where nspname = ${schema}`.execute(db);
  if (rows.length === 0) await sql`create schema ${sql.id(schema)}`.execute(db);
}

async function createOrTakeOver(target: MigrationTarget, prepare: PrepareMigration): Promise<void> {
  const earlier = await findEarlier(target, migrationTable);
  if (earlier) {
    await takeOver(target, earlier, first);
    return;
  }
  await initial.create(target);
  await initial.beginAudit(target.db, await prepare(target.db));
}

async function readApplied(target: MigrationTarget, backend: DatabaseBackend): Promise<string[]> {
  try {
    const { rows } = await sql<{ name: string }>`
      select name from ${target.table(migrationTable)}
    `.execute(target.db);
    return rows.map((row) => row.name);
  } catch (error) {
    if (backend.isMissingTable(error)) return [];
    throw error;
  }
}

function missingFrom(applied: readonly string[], backend: DatabaseBackend): string[] {
  const known = [...Object.keys(migrations), ...earlierMigrations];
  const unknown = applied.filter((name) => !known.includes(name)).sort();
  if (unknown.length > 0) {
    throw databaseUnavailable(
      backend.label,
      `a newer version of Keyshift has changed its tables (${unknown.join(', ')}); start that version or restore a backup`,
    );
  }
  return Object.keys(migrations).filter((name) => !applied.includes(name));
}
