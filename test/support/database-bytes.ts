import { existsSync, readFileSync } from 'node:fs';
import { Client } from 'pg';
import type { Place } from './secret-ledger.ts';

/**
 * Everything a database holds, as someone with its files or a dump would see it. SQLite: the bytes
 * of the file, of its WAL and of its shared memory. PostgreSQL: every column of every table as
 * text, and where the server allows it the files of tables and indexes, deleted rows included.
 */
export async function readDatabase(databaseUrl: string): Promise<Place[]> {
  return databaseUrl.startsWith('sqlite:')
    ? readFiles(databaseUrl.slice('sqlite:'.length))
    : readPostgres(databaseUrl);
}

function readFiles(path: string): Place[] {
  return ['', '-wal', '-shm', '-journal']
    .map((suffix) => ({ name: `file${suffix}`, path: path + suffix }))
    .filter((file) => existsSync(file.path))
    .map((file) => ({ name: file.name, content: readFileSync(file.path) }));
}

async function readPostgres(url: string): Promise<Place[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return [...(await readTables(client)), ...(await readRelationFiles(client))];
  } finally {
    await client.end();
  }
}

async function readTables(client: Client): Promise<Place[]> {
  const { rows } = await client.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
     where schemaname not in ('pg_catalog', 'information_schema')`,
  );
  const places: Place[] = [];
  for (const { name } of rows) {
    const dump = await client.query<string[]>({
      text: `select * from ${name}`,
      rowMode: 'array',
      types: { getTypeParser: () => (value: string) => value },
    });
    const lines = dump.rows.map((row) => row.join('\t'));
    // A bytea column is shown in hex, which the search knows.
    places.push({ name: `table ${name}`, content: lines.join('\n') });
  }
  return places;
}

async function readRelationFiles(client: Client): Promise<Place[]> {
  const isAllowed = await client.query<{ allowed: boolean }>(
    `select rolsuper as allowed from pg_roles where rolname = current_user`,
  );
  if (isAllowed.rows[0]?.allowed !== true) return [];
  await client.query('checkpoint');
  const { rows } = await client.query<{ name: string; content: Buffer }>(
    `select c.relname as name, pg_read_binary_file(pg_relation_filepath(c.oid)) as content
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname not in ('pg_catalog', 'information_schema')
       and pg_relation_filepath(c.oid) is not null`,
  );
  return rows.map(({ name, content }) => ({ name: `data file of ${name}`, content }));
}
