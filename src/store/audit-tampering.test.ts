import { describe, expect, it } from 'vitest';
import {
  copyEarlierPostgres,
  copyEarlierSqlite,
  earlier,
} from '../../test/fixtures/dafa1d9/earlier-database.ts';
import { createPostgresDatabase, createSqliteDatabase } from '../../test/support/databases.ts';
import { dumpTables, executeRaw } from '../../test/support/raw-database.ts';
import { systemClock } from '../runtime/clock.ts';
import { systemRandom } from '../runtime/random.ts';
import { createVault } from '../vault/create-vault.ts';
import { generateKeyringEntry, parseKeyring } from '../vault/keyring.ts';
import { t0 } from '../../test/store/contract/contract-test.ts';
import { openStore } from './open-store.ts';
import type { AuditBreak, AuditEntry, AuditEvent } from '../model/audit.ts';
import type { Store } from './store.ts';

const vault = createVault(parseKeyring(generateKeyringEntry(systemRandom)), systemRandom);
const open = (databaseUrl: string, keys = vault) =>
  openStore({ databaseUrl, vault: keys, clock: systemClock, random: systemRandom });

/** What somebody can do who owns the database: switch the guards off first. */
const disarm = {
  sqlite: ['drop trigger audit_events_refuse_update', 'drop trigger audit_events_refuse_delete'],
  postgres: ['alter table audit_events disable trigger user'],
};

async function tamper(url: string, statements: readonly string[]): Promise<void> {
  const guards = disarm[url.startsWith('sqlite:') ? 'sqlite' : 'postgres'];
  for (const statement of [...guards, ...statements]) await executeRaw(url, statement);
}

async function appendTo(
  store: Store,
  count: number,
  fields: Partial<AuditEvent> = {},
): Promise<void> {
  for (let i = 1; i <= count; i += 1) {
    await store.audit.append({
      atMs: t0 + i,
      actor: 'cli',
      action: 'connection.stage',
      connectionId: `c${i}`,
      fromStage: 'imported',
      toStage: 'checked',
      reason: undefined,
      ...fields,
    });
  }
}

const columns =
  'seq, at, actor, action, connection_id, from_stage, to_stage, reason, actor_proof, ' +
  'connection_proof, reason_proof, prev_hash, hash';
const copyOf = (seq: number, as: string) =>
  `insert into audit_events (${columns}) select ${as} from audit_events where seq = ${seq}`;

/** Ways to falsify a log of nine entries, and what must be said of each. */
const forgeries: readonly (readonly [
  name: string,
  statements: readonly string[],
  breaks: readonly AuditBreak[],
])[] = [
  [
    'an actor that was changed',
    ["update audit_events set actor = 'somebody' where seq = 4"],
    [{ kind: 'changed', seq: 4 }],
  ],
  [
    'a time that was changed in the last entry',
    ['update audit_events set at = at + 1 where seq = 9'],
    [{ kind: 'changed', seq: 9 }],
  ],
  [
    'the first entry with another reason',
    ["update audit_events set reason = 'none' where seq = 1"],
    [{ kind: 'changed', seq: 1 }],
  ],
  [
    'an entry that was removed',
    ['delete from audit_events where seq = 5'],
    [{ kind: 'removed', seq: 5, lastSeq: 5 }],
  ],
  [
    'the first entries removed',
    ['delete from audit_events where seq <= 2'],
    [{ kind: 'removed', seq: 1, lastSeq: 2 }],
  ],
  [
    'the end cut off',
    ['delete from audit_events where seq >= 8'],
    [{ kind: 'truncated', seq: 8, lastSeq: 9 }],
  ],
  ['everything cut off', ['delete from audit_events'], [{ kind: 'truncated', seq: 1, lastSeq: 9 }]],
  [
    'the end cut off, and the recorded end moved back',
    [
      'delete from audit_events where seq >= 8',
      'update audit_head set seq = 7, hash = (select hash from audit_events where seq = 7)',
    ],
    [{ kind: 'head', seq: 7 }],
  ],
  ['no recorded end', ['delete from audit_head'], [{ kind: 'head', seq: 9 }]],
  [
    'a copy of an entry behind the last',
    [copyOf(9, columns.replace('seq', '10'))],
    [{ kind: 'moved', seq: 10, writtenAs: 9 }],
  ],
  [
    'an entry of somebody’s own behind the last',
    [
      copyOf(
        9,
        columns
          .replace('seq', '10')
          .replace('reason', "'mine'")
          .replace('prev_hash, hash', 'hash, prev_hash'),
      ),
    ],
    [{ kind: 'inserted', seq: 10 }],
  ],
  [
    'an entry squeezed in, and those behind it moved up',
    [
      'update audit_events set seq = -seq - 1 where seq > 6',
      'update audit_events set seq = -seq where seq < 0',
      copyOf(6, columns.replace('seq', '7').replace('actor', "'somebody'")),
    ],
    [
      { kind: 'inserted', seq: 7 },
      { kind: 'moved', seq: 8, writtenAs: 7 },
      { kind: 'moved', seq: 9, writtenAs: 8 },
      { kind: 'moved', seq: 10, writtenAs: 9 },
    ],
  ],
  [
    'two entries that changed places',
    [
      'update audit_events set seq = 100 where seq = 3',
      'update audit_events set seq = 3 where seq = 4',
      'update audit_events set seq = 4 where seq = 100',
    ],
    [
      { kind: 'moved', seq: 3, writtenAs: 4 },
      { kind: 'moved', seq: 4, writtenAs: 3 },
    ],
  ],
];

/** Ways to falsify a log whose entries 2 and 4 of 5 were erased, and what must be said of each. */
const forgeriesOfErased: typeof forgeries = [
  [
    'a reason written into an erased entry',
    ["update audit_events set reason = 'mine' where seq = 2"],
    [{ kind: 'changed', seq: 2 }],
  ],
  [
    'a customer put into an erased entry, with a proof of another entry',
    [
      `update audit_events set connection_id = 'c3', connection_proof =
         (select connection_proof from audit_events where seq = 3) where seq = 4`,
    ],
    [{ kind: 'changed', seq: 4 }],
  ],
  [
    'an erased entry at another time',
    ['update audit_events set at = at + 1 where seq = 4'],
    [{ kind: 'changed', seq: 4 }],
  ],
  [
    'an erased entry without its digests',
    ['update audit_events set connection_proof = null, reason_proof = null where seq = 2'],
    [{ kind: 'changed', seq: 2 }],
  ],
  [
    'digests that changed places',
    [
      `update audit_events set connection_proof = reason_proof, reason_proof = connection_proof
         where seq = 2`,
    ],
    [{ kind: 'changed', seq: 2 }],
  ],
  [
    'an erasure that was not by Keyshift',
    ["update audit_events set reason = null, reason_proof = 'digest:made-up' where seq = 3"],
    [{ kind: 'changed', seq: 3 }],
  ],
  [
    'an erasure that copies that of another entry',
    [
      `update audit_events set reason = null, reason_proof =
         (select reason_proof from audit_events where seq = 2) where seq = 3`,
    ],
    [{ kind: 'changed', seq: 3 }],
  ],
  [
    'a salt that was changed',
    ["update audit_events set reason_proof = 'salt:made-up' where seq = 3"],
    [{ kind: 'changed', seq: 3 }],
  ],
  [
    'an entry that passes itself off as one of the first form',
    [
      `update audit_events set actor_proof = null, connection_proof = null, reason_proof = null
         where seq = 3`,
    ],
    [{ kind: 'changed', seq: 3 }],
  ],
];

describe.each([
  ['SQLite', createSqliteDatabase],
  ['PostgreSQL', createPostgresDatabase],
])('the audit log on %s', (_name, createDatabase) => {
  it('refuses to be changed or emptied, also past Keyshift', async () => {
    await using database = await createDatabase();
    await using _ = await openWith(database.url, 3);
    for (const statement of [
      "update audit_events set actor = 'somebody' where seq = 2",
      'delete from audit_events where seq = 2',
      "update audit_events set connection_id = 'c9' where seq = 2",
      'update audit_events set connection_id = null where seq = 2',
      "update audit_events set connection_proof = 'salt:other' where seq = 2",
      `update audit_events set connection_id = null, connection_proof = 'digest:x', actor = 'me'
         where seq = 2`,
    ]) {
      await expect(executeRaw(database.url, statement)).rejects.toThrow(/append only/);
    }
  });

  it.each(forgeries)('names %s', async (_forgery, statements, breaks) => {
    await using database = await createDatabase();
    await using opened = await openWith(database.url, 9);
    await tamper(database.url, statements);
    expect((await opened.store.audit.verify()).breaks).toEqual(breaks);
  });

  it.each(forgeriesOfErased)('names %s', async (_forgery, statements, breaks) => {
    await using database = await createDatabase();
    await using opened = await openWith(database.url, 0);
    for (const connectionId of ['c1', 'gone', 'c3', 'gone', 'c5']) {
      await appendTo(opened.store, 1, { connectionId, reason: `said by ${connectionId}` });
    }
    expect(await opened.store.audit.erase('gone')).toBe(2);
    expect((await opened.store.audit.verify()).breaks).toEqual([]);
    await tamper(database.url, statements);
    expect((await opened.store.audit.verify()).breaks).toEqual(breaks);
  });

  it('leaves nothing of an erased customer in the database, and the rest as it was', async () => {
    await using database = await createDatabase();
    await using opened = await openWith(database.url, 0);
    for (const connectionId of ['gone', 'c2', 'gone']) {
      await appendTo(opened.store, 1, { connectionId, reason: `said by ${connectionId}` });
    }
    const before = await readAll(opened.store);
    await opened.store.audit.erase('gone');
    expect(JSON.stringify([...(await dumpTables(database.url))])).not.toContain('gone');
    const erased = { connectionId: undefined, reason: undefined };
    expect(await readAll(opened.store)).toEqual(
      before.map((entry) => (entry.connectionId === 'gone' ? { ...entry, ...erased } : entry)),
    );
  });

  it('never seals over an end that was altered, and goes on writing', async () => {
    await using database = await createDatabase();
    await using opened = await openWith(database.url, 9);
    await tamper(database.url, [
      'delete from audit_events where seq >= 8',
      'update audit_head set seq = 7, hash = (select hash from audit_events where seq = 7)',
    ]);
    await appendTo(opened.store, 2);
    const verdict = await opened.store.audit.verify();
    expect(verdict).toMatchObject({ entries: 9, breaks: [{ kind: 'head', seq: 9 }] });
  });

  it('says that it is damaged when its end is missing', async () => {
    await using database = await createDatabase();
    await using opened = await openWith(database.url, 1);
    await tamper(database.url, ['delete from audit_head']);
    await expect(appendTo(opened.store, 1)).rejects.toMatchObject({ code: 'audit_broken' });
  });

  it('counts every break of a log that was forged from end to end, and lists a thousand', async () => {
    await using database = await createDatabase();
    await using opened = await openWith(database.url, 0);
    await opened.store.transaction((tx) => appendTo(tx, 2_500));
    await tamper(database.url, ["update audit_events set actor = 'somebody'"]);
    const verdict = await opened.store.audit.verify();
    expect(verdict).toMatchObject({ entries: 2_500, breakCount: 2_500 });
    expect(verdict.breaks).toHaveLength(1_000);
  });
});

describe.each([
  ['SQLite', copyEarlierSqlite],
  ['PostgreSQL', copyEarlierPostgres],
])('an audit log of commit dafa1d9 on %s', (_name, copyEarlier) => {
  async function openEarlier(databaseUrl: string) {
    const keys = createVault(parseKeyring(earlier.keyring), systemRandom);
    const store = await open(databaseUrl, keys);
    const entries = await readAll(store);
    const mine = entries.filter(({ connectionId, reason }) => reason && connectionId);
    const [target] = mine;
    if (!target?.connectionId) throw new Error('no entry with a reason');
    const { seq, connectionId } = target;
    return { store, entries, seq, connectionId, [Symbol.asyncDispose]: () => store.close() };
  }

  it('proves itself when a customer was erased', async () => {
    await using database = await copyEarlier();
    await using opened = await openEarlier(database.url);
    const { store, entries, connectionId } = opened;
    const count = entries.filter((entry) => entry.connectionId === connectionId).length;
    expect(await store.audit.erase(connectionId)).toBe(count);
    expect(await store.audit.listByConnection(connectionId)).toEqual([]);
    await appendTo(store, 3);
    expect(await store.audit.verify()).toMatchObject({ entries: entries.length + 3, breaks: [] });
  });

  it.each([
    ['a changed time', 'at = at + 1'],
    ['a changed actor', "actor = 'somebody'"],
    ['a reason written again', "reason = 'mine'"],
    ['another proof', "connection_proof = 'digest:made-up'"],
    ['another hash', 'hash = prev_hash'],
  ])('names %s of an erased entry', async (_what, change) => {
    await using database = await copyEarlier();
    await using opened = await openEarlier(database.url);
    const { store, seq, connectionId } = opened;
    await store.audit.erase(connectionId);
    await tamper(database.url, [`update audit_events set ${change} where seq = ${seq}`]);
    expect((await store.audit.verify()).breaks).toContainEqual({ kind: 'changed', seq });
  });

  it('names an entry that was changed before it was erased', async () => {
    await using database = await copyEarlier();
    await using opened = await openEarlier(database.url);
    const { store, seq, connectionId } = opened;
    await tamper(database.url, [`update audit_events set at = at + 1 where seq = ${seq}`]);
    await store.audit.erase(connectionId);
    expect((await store.audit.verify()).breaks).toEqual([{ kind: 'changed', seq }]);
  });
});

async function readAll(store: Store): Promise<AuditEntry[]> {
  return Array.fromAsync(store.audit.list());
}

async function openWith(databaseUrl: string, events: number) {
  const store = await open(databaseUrl);
  await store.transaction((tx) => appendTo(tx, events));
  return { store, [Symbol.asyncDispose]: () => store.close() };
}
