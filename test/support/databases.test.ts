import { existsSync, writeFileSync } from 'node:fs';
import { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { createPostgresDatabase, createSqliteDatabase } from './databases.ts';

async function query(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows;
  } finally {
    await client.end();
  }
}

describe('createPostgresDatabase', () => {
  it('gives each caller an empty database that others do not see', async () => {
    await using first = await createPostgresDatabase();
    await using second = await createPostgresDatabase();
    await query(first.url, 'create table thing (id int)');
    await expect(query(second.url, 'select * from thing')).rejects.toThrow(/does not exist/);
  });

  it('is a real PostgreSQL that counts in UTF-8', async () => {
    await using database = await createPostgresDatabase();
    const rows = await query(database.url, `select version(), length('ü') as letters`);
    expect(rows[0]).toMatchObject({ version: expect.stringMatching(/^PostgreSQL/), letters: 1 });
  });

  it('drops the database under an open connection, and does nothing the second time', async () => {
    const database = await createPostgresDatabase();
    const open = new Client({ connectionString: database.url });
    const cut = new Promise((resolve) => open.on('error', resolve));
    await open.connect();
    await database.drop();
    await cut;
    await expect(query(database.url, 'select 1')).rejects.toThrow(/does not exist/);
    await database.drop();
  });
});

describe('createSqliteDatabase', () => {
  it('names a file that does not exist yet, and drop removes it', async () => {
    const database = await createSqliteDatabase();
    const path = database.url.replace(/^sqlite:/, '');
    expect(path).toMatch(/^\/|^[A-Z]:/);
    expect(existsSync(path)).toBe(false);
    writeFileSync(path, 'rows');
    await database.drop();
    expect(existsSync(path)).toBe(false);
  });
});
