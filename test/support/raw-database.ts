import { DatabaseSync } from 'node:sqlite';
import { Client } from 'pg';

/** A row as the database holds it. */
export type RawRow = Record<string, unknown>;

/**
 * Runs one statement past the store, on a database made by `createSqliteDatabase` or
 * `createPostgresDatabase`, and answers its rows.
 */
export async function executeRaw(databaseUrl: string, statement: string): Promise<RawRow[]> {
  if (databaseUrl.startsWith('sqlite:')) {
    const db = new DatabaseSync(databaseUrl.slice('sqlite:'.length));
    try {
      return db.prepare(statement).all();
    } finally {
      db.close();
    }
  }
  // Our tables first, then those of an application.
  const options = '-c search_path=keyshift,public';
  const client = new Client({ connectionString: databaseUrl, options });
  await client.connect();
  try {
    return (await client.query<RawRow>(statement)).rows;
  } finally {
    await client.end();
  }
}

/** Every row of every table, by the name of the table. */
export async function dumpTables(databaseUrl: string): Promise<Map<string, RawRow[]>> {
  const names = await executeRaw(
    databaseUrl,
    databaseUrl.startsWith('sqlite:')
      ? "select name from sqlite_master where type = 'table'"
      : "select tablename as name from pg_tables where schemaname in ('keyshift', 'public') order by schemaname",
  );
  const tables = new Map<string, RawRow[]>();
  for (const { name } of names) {
    tables.set(String(name), await executeRaw(databaseUrl, `select * from "${String(name)}"`));
  }
  return tables;
}
