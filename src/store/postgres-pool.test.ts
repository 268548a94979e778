import { setTimeout as delay } from 'node:timers/promises';
import type { PostgresPoolClient } from 'kysely';
import { describe, expect, inject, it } from 'vitest';
import { createPostgresPool, type PostgresPoolOptions } from './postgres-pool.ts';

const pool = (options: Partial<PostgresPoolOptions> = {}) =>
  createPostgresPool({
    url: inject('postgresUrl'),
    maxConnections: 1,
    connectTimeoutMs: 2_000,
    statementTimeoutMs: 0,
    readTimeoutMs: 0,
    onIdleError: () => undefined,
    ...options,
  });

/** Ends the session behind `client`, as a restart of the server does. */
async function cut(client: PostgresPoolClient): Promise<void> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid', []);
  const killer = pool();
  const other = await killer.connect();
  await other.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
  other.release();
  await killer.end();
}

describe('a PostgreSQL pool', () => {
  it('gives up a connection that does not answer, and works on with a new one', async () => {
    const impatient = pool({ readTimeoutMs: 150 });
    const first = await impatient.connect();
    await expect(first.query('select pg_sleep(5)', [])).rejects.toThrow('Query read timeout');
    await expect(first.query('rollback', [])).rejects.toThrow('Query read timeout');
    first.release();
    const second = await impatient.connect();
    expect((await second.query<{ one: number }>('select 1 as one', [])).rows).toEqual([{ one: 1 }]);
    second.release();
    await impatient.end();
  });

  it('limits the statements of a transaction at the server, and nothing after it', async () => {
    const limited = pool({ statementTimeoutMs: 100 });
    const client = await limited.connect();
    await client.query('begin', []);
    await expect(client.query('select pg_sleep(5)', [])).rejects.toMatchObject({ code: '57014' });
    await client.query('rollback', []);
    const { rows } = await client.query<{ limit: string }>(
      "select current_setting('statement_timeout') as limit",
      [],
    );
    expect(rows, 'behind a pooler the session is not ours').toEqual([{ limit: '0' }]);
    client.release();
    await limited.end();
  });

  it('survives a connection that is cut between two statements', async () => {
    const small = pool();
    const client = await small.connect();
    await client.query('begin', []);
    await cut(client);
    await delay(100); // The news must come while no statement runs.
    await expect.poll(() => client.query('select 1', []).catch(String)).toMatch(/terminat/);
    client.release();
    const again = await small.connect();
    await again.query('select 1', []);
    again.release();
    await small.end();
  });

  it('tells about a connection that is cut while nobody uses it', async () => {
    const errors: string[] = [];
    const small = pool({ onIdleError: (error) => errors.push(error.message) });
    const client = await small.connect();
    const cutting = cut(client);
    client.release();
    await cutting;
    await expect.poll(() => errors.join()).toMatch(/terminat/);
    await small.end();
  });

  it('reads 64-bit integers as numbers', async () => {
    const small = pool();
    const client = await small.connect();
    const { rows } = await client.query('select 1800000000000::bigint as at, count(*) as n', []);
    expect(rows).toEqual([{ at: 1_800_000_000_000, n: 1 }]);
    client.release();
    await small.end();
  });
});
