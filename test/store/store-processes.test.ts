import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createPostgresDatabase, createSqliteDatabase } from '../support/databases.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import { createVault } from '../../src/vault/create-vault.ts';
import { generateKeyringEntry, parseKeyring } from '../../src/vault/keyring.ts';
import { openStore } from '../../src/store/open-store.ts';

const keys = generateKeyringEntry(systemRandom);
const program = fileURLToPath(new URL('./store-process.mjs', import.meta.url));

interface Report {
  readonly name: string;
  readonly errors: readonly string[];
  readonly migrations: number;
  readonly sharing: readonly string[];
}

/** Runs processes that begin at the same moment, and answers what each of them printed. */
async function runProcesses(databaseUrl: string, names: string[], count: number) {
  const children = names.map((name) => {
    const env = { ...process.env, DATABASE_URL: databaseUrl, KEYSHIFT_KEYS: keys };
    const child = spawn(process.execPath, [program, name, String(count)], {
      env,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    return { child, lines, ended: once(child, 'exit') };
  });
  await Promise.all(children.map(({ lines }) => lines.next()));
  for (const { child } of children) child.stdin.write('go\n');
  return Promise.all(
    children.map(async ({ lines, ended }) => {
      const line = await lines.next();
      await ended;
      return JSON.parse(String(line.value)) as Report;
    }),
  );
}

describe.each([
  ['SQLite', createSqliteDatabase],
  ['PostgreSQL', createPostgresDatabase],
])('several processes on one %s database', (_name, createDatabase) => {
  it('start at once on an empty database: one migrates, all share one blind index key', async () => {
    await using database = await createDatabase();
    const reports = await runProcesses(database.url, ['a', 'b', 'c', 'd'], 1);
    expect(reports.flatMap(({ errors }) => errors)).toEqual([]);
    expect(reports.reduce((sum, { migrations }) => sum + migrations, 0)).toBe(1);
    const [again] = await runProcesses(database.url, ['later'], 1);
    expect(again?.errors).toEqual([]);
    expect(again?.sharing.toSorted()).toEqual(
      ['a', 'b', 'c', 'd', 'later'].map((name) => `connection-${name}-0`),
    );
  });

  it('write at once: no transaction is lost, and none fails because of another', async () => {
    await using database = await createDatabase();
    const reports = await runProcesses(database.url, ['a', 'b'], 300);
    expect(reports.flatMap(({ errors }) => errors)).toEqual([]);
    const vault = createVault(parseKeyring(keys), systemRandom);
    const store = await openStore({
      databaseUrl: database.url,
      vault,
      clock: systemClock,
      random: systemRandom,
    });
    const counts = await store.connections.countByStage();
    const events = await store.audit.listByConnection('counter');
    await store.close();
    expect(counts.map(({ count }) => count)).toEqual([601]);
    expect(events).toHaveLength(600);
  });
});
