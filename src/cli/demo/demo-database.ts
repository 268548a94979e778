import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { KeyshiftError } from '../../errors/keyshift-error.ts';
import type { Random } from '../../runtime/random.ts';

/** A database that is there for one run of the demo. */
export interface DemoDatabase {
  readonly url: string;
  readonly description: string;
  drop(): Promise<void>;
}

/**
 * Makes an empty database that no real data is in: a schema of its own where `databaseUrl` names
 * PostgreSQL, a temporary SQLite file everywhere else.
 *
 * @throws KeyshiftError `database_unavailable`
 */
export function createDemoDatabase(
  databaseUrl: string | undefined,
  random: Random,
): Promise<DemoDatabase> {
  return databaseUrl !== undefined && /^postgres(ql)?:/.test(databaseUrl)
    ? createSchema(databaseUrl, random)
    : createFile();
}

async function createFile(): Promise<DemoDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'keyshift-demo-'));
  return {
    url: `sqlite:${join(folder, 'demo.db')}`,
    description: 'SQLite',
    drop: () => rm(folder, { recursive: true, force: true }),
  };
}

async function createSchema(databaseUrl: string, random: Random): Promise<DemoDatabase> {
  const schema = `keyshift_demo_${random.bytes(6).toString('hex')}`;
  await execute(databaseUrl, `create schema ${schema}`);
  const url = new URL(databaseUrl);
  url.searchParams.set('schema', schema);
  return {
    url: url.href,
    description: 'PostgreSQL',
    drop: () => execute(databaseUrl, `drop schema ${schema} cascade`),
  };
}

async function execute(databaseUrl: string, statement: string): Promise<void> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: 5_000,
    statement_timeout: 30_000,
  });
  try {
    await client.connect();
    await client.query(statement);
  } catch (cause) {
    const reason = (cause as { code?: string }).code ?? (cause as Error).name;
    throw new KeyshiftError(
      'database_unavailable',
      `The demo cannot create a schema in PostgreSQL (${reason}).`,
      { cause },
    );
  } finally {
    await client.end();
  }
}
