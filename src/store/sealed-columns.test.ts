import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createPostgresDatabase, createSqliteDatabase } from '../../test/support/databases.ts';
import { dumpTables, type RawRow } from '../../test/support/raw-database.ts';
import { systemClock } from '../runtime/clock.ts';
import { systemRandom } from '../runtime/random.ts';
import { Secret } from '../runtime/secret.ts';
import { createVault } from '../vault/create-vault.ts';
import { generateKeyringEntry, parseKeyring } from '../vault/keyring.ts';
import {
  sampleAuthorization,
  sampleConnection,
  sampleInvitation,
  samplePair,
  t0,
} from '../../test/store/contract/contract-test.ts';
import { openStore } from './open-store.ts';
import { sealedColumns } from './sealed-columns.ts';
import type { Store } from './store.ts';

const vault = createVault(parseKeyring(generateKeyringEntry(systemRandom)), systemRandom);
const key = { clientId: 'client', accountId: 'AbC123' };
const privateKeys = ['pk_1111aaaa2222bbbb', 'pk_9999zzzz8888yyyy'];
const pairs = ['1', '2', '3', 'aside'].map((name) => samplePair(name));
const secrets = [
  ...privateKeys,
  ...pairs.flatMap(({ accessToken, refreshToken }) => [
    accessToken.reveal(),
    refreshToken.reveal(),
  ]),
];

/** Writes every kind of row, with a secret in every place that holds one. */
async function writeEverything(store: Store): Promise<void> {
  const [first, second, third, aside] = pairs;
  if (!first || !second || !third || !aside) throw new Error('too few samples');
  const connection = await store.connections.insert(
    sampleConnection('acme', { accountId: 'AbC123', email: 'visible@acme.example' }),
  );
  for (const value of privateKeys) {
    await store.privateKeys.put(connection.id, new Secret('private_key', value), t0);
  }
  await store.grants.saveConsent({ ...key, id: 'g1' }, first);
  await store.grants.saveRefreshed('g1', 1, second);
  await store.grants.saveConsent({ ...key, id: 'g1' }, third);
  await store.grants.setAside({ ...key, id: 'g2' }, aside);
  await store.authorizations.consume(sampleAuthorization('state-hash'));
  await store.invitations.insert(sampleInvitation('inv', connection.id));
  await store.audit.append({
    atMs: t0,
    actor: 'cli',
    action: 'connection.stage',
    connectionId: connection.id,
    fromStage: undefined,
    toStage: 'imported',
    reason: undefined,
  });
}

/** A secret as it might have been written by mistake. */
const spellings = (secret: string): string[] => [
  secret,
  Buffer.from(secret).toString('hex'),
  // Without the last characters, which depend on what follows.
  Buffer.from(secret).toString('base64').slice(0, -4),
  Buffer.from(secret, 'utf16le').toString('latin1'),
];

function readFiles(url: string): string {
  const path = url.slice('sqlite:'.length);
  return ['', '-wal', '-shm']
    .filter((suffix) => existsSync(path + suffix))
    .map((suffix) => readFileSync(path + suffix, 'latin1'))
    .join('\n');
}

function expectNoSecret(text: string): void {
  expect(text).toContain('visible@acme.example');
  for (const secret of secrets) {
    for (const spelling of spellings(secret)) expect(text.includes(spelling)).toBe(false);
  }
}

describe.each([
  ['SQLite', createSqliteDatabase],
  ['PostgreSQL', createPostgresDatabase],
])('a database on %s in which every secret was stored', (_name, createDatabase) => {
  it('holds none of them in clear, in any table or file', async () => {
    await using database = await createDatabase();
    const options = { databaseUrl: database.url, vault, clock: systemClock, random: systemRandom };
    const store = await openStore(options);
    await writeEverything(store);
    const dump = JSON.stringify([...(await dumpTables(database.url))]);
    expectNoSecret(dump);
    if (database.url.startsWith('sqlite:')) {
      expectNoSecret(readFiles(database.url));
      await store.privateKeys.destroy('connection-acme', t0);
      await store.close();
      expectNoSecret(readFiles(database.url));
    } else {
      await store.close();
    }
  });

  it('holds sealed values in the registered columns, in no others, and each opens in its place', async () => {
    await using database = await createDatabase();
    const options = { databaseUrl: database.url, vault, clock: systemClock, random: systemRandom };
    const store = await openStore(options);
    await writeEverything(store);
    await store.close();

    const found = new Set<string>();
    for (const [table, rows] of await dumpTables(database.url)) {
      for (const row of rows) for (const column of sealedIn(row)) found.add(`${table}.${column}`);
    }
    const registered = Object.values(sealedColumns);
    expect([...found].toSorted()).toEqual(
      registered.map(({ table, column }) => `${table}.${column}`).toSorted(),
    );

    const tables = await dumpTables(database.url);
    for (const { table, rowIdColumn, column } of registered) {
      const rows = (tables.get(table) ?? []).filter((row) => row[column] !== null);
      expect(rows.length).toBeGreaterThan(0);
      for (const row of rows) {
        const context = { table, rowId: String(row[rowIdColumn]), column };
        expect(vault.open(String(row[column]), context)).not.toBe('');
      }
    }
  });
});

function sealedIn(row: RawRow): string[] {
  return Object.entries(row)
    .filter(([, value]) => typeof value === 'string' && /^v\d+\./.test(value))
    .map(([column]) => column);
}
