import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';

/**
 * The databases to measure on. PostgreSQL is BENCH_DATABASE_URL, or a real server of this run
 * alone, which does not wait for the disk (`fsync = off`).
 *
 * @param {string} folder for SQLite
 * @returns {{ name: string, create: (name: string) => Promise<string> }[]} `create` answers the URL
 *   of an empty database
 */
export async function openDatabases(folder) {
  const given = process.env.BENCH_DATABASE_URL;
  const url = given ?? (await startPostgres());
  return [
    { name: 'SQLite', create: async (name) => `sqlite:${join(folder, `${name}.db`)}` },
    {
      name: given === undefined ? 'PostgreSQL (fsync off)' : 'PostgreSQL',
      create: async (name) => createDatabase(url, `keyshift_bench_${process.pid}_${name}`),
    },
  ];
}

async function startPostgres() {
  const program = fileURLToPath(new URL('../../test/support/postgres-server.ts', import.meta.url));
  // It ends when its input is closed, and so with this process.
  const server = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] });
  server.unref();
  server.stdin.unref();
  const [url] = await once(createInterface(server.stdout), 'line');
  server.stdout.unref();
  return url;
}

async function createDatabase(url, name) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`drop database if exists ${name}`);
  await client.query(`create database ${name}`);
  await client.end();
  const own = new URL(url);
  own.pathname = `/${name}`;
  return own.href;
}
