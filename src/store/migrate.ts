import { Kysely, sql } from 'kysely';
import { Migrator, type Migration } from 'kysely/migration';
import type { DatabaseBackend } from './database-backend.ts';
import { databaseUnavailable } from './database-unavailable.ts';
import type { DatabaseKind } from './database-url.ts';
import * as initial from './migrations/0001-initial.ts';
import * as refreshLeases from './migrations/0002-refresh-leases.ts';
import * as traffic from './migrations/0004-traffic.ts';
import * as outreach from './migrations/0005-outreach.ts';
import * as journey from './migrations/0006-journey.ts';
import * as auditChain from './migrations/0007-audit-chain.ts';
import * as sweepTurns from './migrations/0008-sweep-turns.ts';
import * as unusedIndex from './migrations/0009-unused-index.ts';
import type { Schema } from './schema.ts';

const migrationTable = 'keyshift_migrations';

/** Makes what a migration needs to know of the database it works on. */
export type PrepareMigration = (db: Kysely<Schema>) => Promise<auditChain.ChainContext>;

type MigrationStep = (
  db: Kysely<Schema>,
  kind: DatabaseKind,
  prepare: PrepareMigration,
) => Promise<void>;

/** Every migration, for both databases, in order of its name. Applied ones are never changed. */
const migrations: Readonly<Record<string, MigrationStep>> = {
  '0001-initial': initial.up,
  '0002-refresh-leases': refreshLeases.up,
  '0004-traffic': traffic.up,
  '0005-outreach': outreach.up,
  '0006-journey': journey.up,
  '0007-audit-chain': async (db, kind, prepare) => auditChain.up(db, kind, await prepare(db)),
  '0008-sweep-turns': sweepTurns.up,
  '0009-unused-index': unusedIndex.up,
};

/**
 * Brings the database to the newest schema. Several processes may call it at once: one migrates,
 * the others wait. Throws `database_unavailable` when a newer Keyshift has already been here.
 *
 * @returns the names of the migrations that were applied by this call
 */
export async function migrate(
  db: Kysely<Schema>,
  backend: DatabaseBackend,
  prepare: PrepareMigration,
): Promise<string[]> {
  const applied = await readApplied(db, backend);
  assertNotNewer(applied, backend);
  // The usual start: one read, and no lock.
  if (Object.keys(migrations).every((name) => applied.includes(name))) return [];

  const separate = backend.createMigrationDialect?.();
  const migrationDb = separate ? new Kysely<Schema>({ dialect: separate }) : db;
  try {
    return await runMigrations(migrationDb, backend, prepare);
  } finally {
    if (separate) await migrationDb.destroy();
  }
}

async function runMigrations(
  db: Kysely<Schema>,
  backend: DatabaseBackend,
  prepare: PrepareMigration,
): Promise<string[]> {
  const provided = Object.entries(migrations).map(([name, up]): [string, Migration] => [
    name,
    { up: (migrationDb: Kysely<Schema>) => up(migrationDb, backend.kind, prepare) },
  ]);
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve(Object.fromEntries(provided)) },
    migrationTableName: migrationTable,
    migrationLockTableName: `${migrationTable}_lock`,
  });
  const { error, results } = await migrator.migrateToLatest();
  if (error !== undefined) {
    assertNotNewer(await readApplied(db, backend), backend);
    throw error instanceof Error ? error : new Error('a migration failed', { cause: error });
  }
  return (results ?? []).map((result) => result.migrationName);
}

async function readApplied(db: Kysely<Schema>, backend: DatabaseBackend): Promise<string[]> {
  try {
    const { rows } = await sql<{ name: string }>`
      select name from ${sql.table(migrationTable)}
    `.execute(db);
    return rows.map((row) => row.name);
  } catch (error) {
    if (backend.isMissingTable(error)) return [];
    throw error;
  }
}

function assertNotNewer(applied: readonly string[], backend: DatabaseBackend): void {
  const unknown = applied.filter((name) => !Object.hasOwn(migrations, name)).sort();
  if (unknown.length === 0) return;
  throw databaseUnavailable(
    backend.label,
    `a newer version of Keyshift has changed its tables (${unknown.join(', ')}); start that version or restore a backup`,
  );
}
