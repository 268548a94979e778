import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { inject } from 'vitest';

/** An empty database of a test's own. `await using` drops it at the end of the block. */
export interface TestDatabase extends AsyncDisposable {
  /** What `DATABASE_URL` would be: `postgres://…` or `sqlite:/abs/path`. */
  readonly url: string;
  /** Removes the database, even while connections to it are open. Does nothing the second time. */
  drop(): Promise<void>;
}

/**
 * Creates an empty database on the PostgreSQL server of the test run.
 *
 * @example
 * ```ts
 * await using database = await createPostgresDatabase();
 * const store = await openStore(database.url);
 * ```
 */
export async function createPostgresDatabase(): Promise<TestDatabase> {
  const server = inject('postgresUrl');
  const name = `keyshift_test_${randomUUID().replaceAll('-', '')}`;
  await execute(server, `create database "${name}"`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return testDatabase(url.href, () =>
    execute(server, `drop database if exists "${name}" with (force)`),
  );
}

/** Names a SQLite file that does not exist yet, in a temporary directory of its own. */
export async function createSqliteDatabase(): Promise<TestDatabase> {
  const directory = await mkdtemp(join(tmpdir(), 'keyshift-sqlite-'));
  return testDatabase(`sqlite:${join(directory, 'keyshift.db')}`, () =>
    rm(directory, { recursive: true, force: true }),
  );
}

function testDatabase(url: string, drop: () => Promise<void>): TestDatabase {
  return { url, drop, [Symbol.asyncDispose]: drop };
}

async function execute(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
