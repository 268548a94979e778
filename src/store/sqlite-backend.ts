import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Random } from '../runtime/random.ts';
import type { DatabaseBackend } from './database-backend.ts';
import { databaseUnavailable } from './database-unavailable.ts';
import { inMemoryPath } from './database-url.ts';
import { createSqliteDialect } from './sqlite-dialect.ts';
import {
  describeSqliteOutage,
  isSqliteForeignKeyViolation,
  isSqliteMissingTable,
} from './sqlite-error.ts';

/** How long the start waits for another process that is opening the same file. */
const openTimeoutMs = 5_000;

/**
 * Opens a SQLite file, created with mode 0600 in a directory with mode 0700 where they do not
 * exist. Throws `database_unavailable`.
 */
export function openSqliteBackend(path: string, label: string, random: Random): DatabaseBackend {
  let db: DatabaseSync | undefined;
  try {
    if (path !== inMemoryPath) createPrivateFile(path);
    db = new DatabaseSync(path);
    configure(db);
    return {
      kind: 'sqlite',
      label,
      dialect: createSqliteDialect(db, random),
      describeOutage: describeSqliteOutage,
      isRetryable: () => false,
      isForeignKeyViolation: isSqliteForeignKeyViolation,
      isMissingTable: isSqliteMissingTable,
    };
  } catch (cause) {
    db?.close();
    const message = cause instanceof Error ? cause.message : String(cause);
    throw databaseUnavailable(label, describeSqliteOutage(cause) ?? message, cause);
  }
}

/** SQLite gives its WAL and shared-memory files the mode of the database file. */
function createPrivateFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  closeSync(openSync(path, 'a', 0o600));
}

function configure(db: DatabaseSync): void {
  // First, so that the switch to WAL already waits for another process that is doing the same.
  db.exec(`pragma busy_timeout = ${openTimeoutMs}`);
  db.exec('pragma journal_mode = wal');
  // In WAL mode a power cut may undo the last commits, but never damages the file.
  db.exec('pragma synchronous = normal');
  db.exec('pragma foreign_keys = on');
  // A destroyed key leaves no bytes in free pages.
  db.exec('pragma secure_delete = on');
}
