import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { KeyshiftError } from '../../errors/keyshift-error.ts';
import type { ReadSqlRows } from './sql-query.ts';

/** Reads by a connection that SQLite itself holds to reading. */
export const readSqliteRows: ReadSqlRows = async function* ({
  url,
  text,
  deadlineMs,
  signal,
  onColumns,
}) {
  const path = url.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, '');
  if (!existsSync(path)) {
    throw new KeyshiftError('import_invalid', `There is no SQLite database at ${path}.`, {
      fix: 'Check the path after sqlite:.',
    });
  }
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    db.exec(`pragma query_only = on; pragma busy_timeout = ${Math.min(deadlineMs, 30_000)}`);
    const statement = db.prepare(text);
    statement.setReadBigInts(true);
    onColumns(statement.columns().map(({ name }) => name));
    for (const row of statement.iterate()) {
      if (signal?.aborted) return;
      yield row;
    }
  } finally {
    db.close();
  }
};
