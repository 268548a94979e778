import { describe, expect, it } from 'vitest';
import { createPostgresDatabase, createSqliteDatabase } from '../../test/support/databases.ts';
import { executeRaw } from '../../test/support/raw-database.ts';
import { systemClock } from '../runtime/clock.ts';
import { systemRandom } from '../runtime/random.ts';
import { Secret } from '../runtime/secret.ts';
import { createVault } from '../vault/create-vault.ts';
import { parseKeyring } from '../vault/keyring.ts';
import {
  oneOf,
  reveal,
  sampleConnection,
  samplePair,
  t0,
} from '../../test/store/contract/contract-test.ts';
import { openStore } from './open-store.ts';
import type { Store } from './store.ts';

const entry = (id: string, fill: number) => `${id}:${Buffer.alloc(32, fill).toString('base64')}`;

function open(databaseUrl: string, keys: string): Promise<Store> {
  const vault = createVault(parseKeyring(keys), systemRandom);
  return openStore({ databaseUrl, vault, clock: systemClock, random: systemRandom });
}

it('refuses an unreadable URL before it does anything', async () => {
  await expect(open('mysql://localhost/k', entry('k1', 1))).rejects.toMatchObject({
    code: 'config_invalid',
    message: expect.stringContaining('DATABASE_URL') as string,
  });
});

describe.each([
  ['SQLite', createSqliteDatabase],
  ['PostgreSQL', createPostgresDatabase],
])('opening a store on %s', (_name, createDatabase) => {
  it('refuses a keyring without the key that the database is sealed under, and names it', async () => {
    await using database = await createDatabase();
    await (await open(database.url, entry('first', 1))).close();
    await expect(open(database.url, entry('second', 1))).rejects.toMatchObject({
      code: 'keyring_mismatch',
      message: expect.stringMatching(/KEYSHIFT_KEYS does not open .*"first"/) as string,
    });
  });

  it('refuses another key of the same id', async () => {
    await using database = await createDatabase();
    await (await open(database.url, entry('same', 1))).close();
    await expect(open(database.url, entry('same', 2))).rejects.toMatchObject({
      code: 'keyring_mismatch',
      message: expect.stringContaining('has the right id but is not the key') as string,
    });
    await (await open(database.url, entry('same', 1))).close();
  });

  it('makes one blind index key when several stores open at once', async () => {
    await using database = await createDatabase();
    const keys = entry('k1', 1);
    await (await open(database.url, keys)).close();
    await executeRaw(database.url, 'delete from vault_state');
    const stores = await Promise.all(Array.from({ length: 6 }, () => open(database.url, keys)));
    const { id } = await oneOf(stores, 0).connections.insert(sampleConnection('acme'));
    const key = new Secret('private_key', 'pk_a');
    await oneOf(stores, 0).privateKeys.put(id, key, t0);
    const found = await Promise.all(stores.map((s) => s.privateKeys.findConnectionIds(key)));
    expect(found).toEqual(stores.map(() => [id]));
    await Promise.all(stores.map((store) => store.close()));
  });

  it('reads what was sealed under a former primary key, and seals under the new one', async () => {
    await using database = await createDatabase();
    const key = { clientId: 'client', accountId: 'AbC123' };
    const before = await open(database.url, entry('old', 1));
    await before.grants.saveConsent({ ...key, id: 'g1' }, samplePair('1'));
    await before.close();

    const after = await open(database.url, `${entry('new', 2)},${entry('old', 1)}`);
    const found = await after.grants.findByRefreshToken(
      'client',
      new Secret('refresh_token', 'refresh-token-1'),
    );
    expect(reveal(found?.accessToken)).toBe('access-token-1');
    await after.grants.saveRefreshed('g1', 1, samplePair('2'));
    await after.close();

    const [row] = await executeRaw(
      database.url,
      'select access_token, refresh_token, previous_refresh_token from grants',
    );
    for (const sealed of Object.values(row ?? {})) expect(sealed).toMatch(/^v1\.new\./);
    expect(Object.values(row ?? {})).toHaveLength(3);
  });

  it('refuses tables that a newer version has changed', async () => {
    await using database = await createDatabase();
    await (await open(database.url, entry('k1', 1))).close();
    await executeRaw(
      database.url,
      "insert into keyshift_migrations values ('9999-later', '2030-01-01T00:00:00.000Z')",
    );
    await expect(open(database.url, entry('k1', 1))).rejects.toMatchObject({
      code: 'database_unavailable',
      message: expect.stringMatching(/newer version of Keyshift .*9999-later/) as string,
    });
  });

  it('refuses tables of something else where ours belong, and leaves them as they were', async () => {
    await using database = await createDatabase();
    if (database.url.startsWith('postgres:')) {
      await executeRaw(database.url, 'create schema keyshift');
    }
    await executeRaw(database.url, 'create table grants (mine text)');
    await expect(open(database.url, entry('k1', 1))).rejects.toMatchObject({
      code: 'database_unavailable',
      message: expect.stringMatching(/cannot be used: .*grants.* already exists/) as string,
    });
    await expect(executeRaw(database.url, 'select * from connections')).rejects.toThrow();
    expect(await executeRaw(database.url, 'select mine from grants')).toEqual([]);
  });

  it('refuses a grant whose tokens were swapped with another row’s', async () => {
    await using database = await createDatabase();
    const store = await open(database.url, entry('k1', 1));
    for (const accountId of ['a', 'b']) {
      await store.grants.saveConsent(
        { clientId: 'client', accountId, id: accountId },
        samplePair(accountId),
      );
    }
    await executeRaw(
      database.url,
      "update grants set access_token = (select access_token from grants where id = 'b') where id = 'a'",
    );
    await expect(store.grants.findById('a')).rejects.toMatchObject({
      code: 'seal_invalid',
      message: expect.stringContaining('grants.access_token of row "a"') as string,
    });
    expect(reveal((await store.grants.findById('b'))?.accessToken)).toBe('access-token-b');
    await store.close();
  });
});
