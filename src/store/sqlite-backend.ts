import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Random } from '../runtime/random.ts';
import type { DatabaseBackend } from './database-backend.ts';
import { databaseUnavailable } from './database-unavailable.ts';
import { inMemoryPath } from './database-url.ts';
import { createSqliteDialect } from './sqlite-dialect.ts';
import type { Durability } from './sqlite-session.ts';
import {
  describeSqliteOutage,
  isSqliteForeignKeyViolation,
  isSqliteMissingTable,
} from './sqlite-error.ts';
import { blockingWaitMs, whenUnlocked } from './sqlite-lock.ts';

/**
 * Opens a SQLite file, created with mode 0600 in a directory with mode 0700 where they do not
 * exist. Throws `database_unavailable`.
 */
export async function openSqliteBackend(
  path: string,
  label: string,
  random: Random,
  durability?: Durability,
): Promise<DatabaseBackend> {
  let db: DatabaseSync | undefined;
  try {
    if (path !== inMemoryPath) createPrivateFile(path);
    db = new DatabaseSync(path);
    await configure(db, random);
    return {
      kind: 'sqlite',
      label,
      dialect: createSqliteDialect(db, random, durability),
      describeOutage: describeSqliteOutage,
      isRetryable: () => false,
      isForeignKeyViolation: isSqliteForeignKeyViolation,
      isMissingTable: isSqliteMissingTable,
      version: createVersion(db),
    };
  } catch (cause) {
    db?.close();
    const message = cause instanceof Error ? cause.message : String(cause);
    throw databaseUnavailable(label, describeSqliteOutage(cause) ?? message, cause);
  }
}

/** Commits of other connections move `data_version`, writes of this one `total_changes`. */
function createVersion(db: DatabaseSync): () => string | undefined {
  const read = db.prepare(
    'select total_changes() as own, data_version as others from pragma_data_version()',
  );
  return () => {
    if (!db.isOpen || db.isTransaction) return undefined;
    const { own, others } = read.get() as { own: number; others: number };
    return `${own} ${others}`;
  };
}

/** SQLite gives its WAL and shared-memory files the mode of the database file. */
function createPrivateFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  closeSync(openSync(path, 'a', 0o600));
}

async function configure(db: DatabaseSync, random: Random): Promise<void> {
  db.exec(`pragma busy_timeout = ${blockingWaitMs}`);
  // Of two processes that switch a new file to WAL at once, SQLite refuses one without any wait.
  await whenUnlocked(random, () => db.exec('pragma journal_mode = wal'));
  // In WAL mode a power cut may undo the last commits, but never damages the file. Commits that
  // hold the only copy of something are synced: see the dialect.
  db.exec('pragma synchronous = normal');
  db.exec('pragma foreign_keys = on');
  // A destroyed key leaves no bytes in free pages.
  db.exec('pragma secure_delete = on');
}
