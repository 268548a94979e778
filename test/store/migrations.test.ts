import { describe, expect, inject, it } from 'vitest';
import { systemClock } from '../../src/runtime/clock.ts';
import { systemRandom, type Random } from '../../src/runtime/random.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { Store } from '../../src/store/store.ts';
import { createVault } from '../../src/vault/create-vault.ts';
import { parseKeyring } from '../../src/vault/keyring.ts';
import {
  copyEarlierPostgres,
  copyEarlierSqlite,
  earlier,
} from '../fixtures/dafa1d9/earlier-database.ts';
import { createPostgresDatabase, createSqliteDatabase } from '../support/databases.ts';
import { dumpTables, executeRaw } from '../support/raw-database.ts';
import { sampleConnection } from './contract/contract-test.ts';

const vault = createVault(parseKeyring(earlier.keyring), systemRandom);

function open(databaseUrl: string, random: Random = systemRandom): Promise<Store> {
  return openStore({ databaseUrl, vault, clock: systemClock, random });
}

/** Makes the key of the blind indexes impossible, which is the last thing of a first start. */
const noBytes: Random = {
  ...systemRandom,
  bytes() {
    throw new Error('there is no randomness');
  },
};

const described = {
  sqlite: `
    select m.name as place, c.name, c.type || c."notnull" || c.pk as what
      from sqlite_master m join pragma_table_info(m.name) c
      where m.type = 'table' and m.name not like 'sqlite_%'
    union all
    select m.tbl_name, m.name, coalesce(m.sql, '') from sqlite_master m
      where m.type in ('index', 'trigger')
    order by 1, 2, 3`,
  postgres: `
    select table_name as place, column_name as name,
        data_type || is_nullable || coalesce(column_default, '') || coalesce(collation_name, '') as what
      from information_schema.columns where table_schema = 'keyshift'
    union all
    select tablename, indexname, indexdef from pg_indexes where schemaname = 'keyshift'
    union all
    select c.relname, t.tgname, pg_get_triggerdef(t.oid) from pg_trigger t
      join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = 'keyshift' and not t.tgisinternal
    union all
    select c.relname, 'constraint', pg_get_constraintdef(k.oid) from pg_constraint k
      join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = 'keyshift'
    order by 1, 2, 3`,
};

/** SQLite keeps the text of a statement, with its quotes and line breaks. */
function inOneWriting(row: object): string {
  return JSON.stringify(row).replaceAll(/\\"|(?:\\n| )+/g, (found) => (found === '\\"' ? '' : ' '));
}

describe.each([
  ['sqlite', createSqliteDatabase, copyEarlierSqlite],
  ['postgres', createPostgresDatabase, copyEarlierPostgres],
] as const)('the tables on %s', (kind, create, copyEarlier) => {
  it('are the same when they are made and when they are taken over', async () => {
    await using fresh = await create();
    await using old = await copyEarlier();
    for (const { url } of [fresh, old]) await (await open(url)).close();
    const made = await executeRaw(fresh.url, described[kind]);
    expect(made.length).toBeGreaterThan(150);
    const taken = await executeRaw(old.url, described[kind]);
    expect(taken.map(inOneWriting)).toEqual(made.map(inOneWriting));
  });

  it('are all or none: a first start that fails leaves nothing behind', async () => {
    await using database = await create();
    await expect(open(database.url, noBytes)).rejects.toThrow('there is no randomness');
    expect((await dumpTables(database.url)).size).toBe(0);
    if (kind === 'postgres') {
      const schemas = "select 1 from pg_namespace where nspname = 'keyshift'";
      expect(await executeRaw(database.url, schemas)).toEqual([]);
    }
    await (await open(database.url)).close();
  });

  it('of an earlier version are left as they are when something of them is strange', async () => {
    await using database = await copyEarlier();
    await executeRaw(database.url, 'alter table opt_outs add column theirs text');
    const before = await dumpTables(database.url);
    await expect(open(database.url)).rejects.toMatchObject({
      code: 'database_unavailable',
      message: expect.stringContaining('opt_outs has other columns') as string,
    });
    expect(await dumpTables(database.url)).toEqual(before);
    await executeRaw(database.url, 'alter table opt_outs drop column theirs');
    await (await open(database.url)).close();
  });

  it('of a version before that one are refused', async () => {
    await using database = await copyEarlier();
    await executeRaw(
      database.url,
      "delete from keyshift_migrations where name = '0008-sweep-turns'",
    );
    await expect(open(database.url)).rejects.toMatchObject({
      code: 'database_unavailable',
      message: expect.stringContaining('cannot take over: keyshift_migrations lists') as string,
    });
  });
});

describe('the schema on PostgreSQL', () => {
  it('lies beside an application’s tables of the same names, which are left alone', async () => {
    await using database = await createPostgresDatabase();
    for (const name of ['connections', 'grants', 'outbox', 'keyshift_migrations_of_mine']) {
      await executeRaw(database.url, `create table ${name} (theirs text)`);
      await executeRaw(database.url, `insert into ${name} values ('theirs')`);
    }
    const store = await open(database.url);
    await store.connections.insert(sampleConnection('acme'));
    expect(await store.reports.countByFarthest()).toEqual(new Map([['imported', 1]]));
    await store.close();
    const theirs = await executeRaw(
      database.url,
      'select c.theirs from public.connections c, public.grants, public.outbox',
    );
    expect(theirs).toEqual([{ theirs: 'theirs' }]);
  });

  it('is one that a database administrator has made, where the user may not create any', async () => {
    await using database = await createPostgresDatabase();
    const name = database.url.split('/').at(-1) ?? '';
    const role = `limited_${name.slice(-12)}`;
    await executeRaw(database.url, `create role ${role} login password 'made-up'`);
    try {
      await executeRaw(database.url, `create schema keyshift authorization ${role}`);
      const url = new URL(database.url);
      url.username = role;
      url.password = 'made-up';
      const store = await open(url.href);
      await store.connections.insert(sampleConnection('acme'));
      await store.close();
    } finally {
      await executeRaw(database.url, `drop owned by ${role}`);
      await executeRaw(inject('postgresUrl'), `drop role ${role}`);
    }
  });

  it('leaves word for a process of the earlier version, which would see no table', async () => {
    await using database = await copyEarlierPostgres();
    await (await open(database.url)).close();
    const left = await executeRaw(
      database.url,
      "select tablename as name from pg_tables where schemaname = 'public'",
    );
    expect(left).toEqual([{ name: 'keyshift_migrations' }]);
    const [last] = await executeRaw(
      database.url,
      'select max(name) as name from public.keyshift_migrations',
    );
    expect(last).toEqual({ name: '0010-schema' });
  });

  it('is another one where the URL says so, which takes nothing from the others', async () => {
    await using database = await copyEarlierPostgres();
    const before = await dumpTables(database.url);
    const [staging, demo] = ['staging', 'demo'].map((schema) => `${database.url}?schema=${schema}`);
    const store = await open(staging ?? '');
    expect(await store.connections.countByStage()).toEqual([]);
    await store.connections.insert(sampleConnection('acme'));
    const other = await open(demo ?? '');
    expect(await other.connections.findByCustomer('acme')).toBeUndefined();
    await Promise.all([store.close(), other.close()]);
    expect(await dumpTables(database.url)).toEqual(before);
  });

  it('is taken over where it stands, when the earlier version had one of that name', async () => {
    await using database = await copyEarlierPostgres();
    await executeRaw(database.url, 'alter schema public rename to keyshift');
    const store = await open(database.url);
    expect(await store.outbox.count()).toBe(earlier.counts.outbox);
    await store.close();
  });
});
