import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import mysql from 'mysql2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPostgresDatabase, type TestDatabase } from '../../../test/support/databases.ts';
import { executeRaw } from '../../../test/support/raw-database.ts';
import type { CustomerRow, InvalidRow } from './customer-row.ts';
import { readCustomersBySql } from './sql-source.ts';

const key = 'pk_0123456789abcdef';
const columns = 'id as customer_id, secret_key as private_key, plan';

async function read(url: string, query: string, cohortColumn?: string) {
  const rows: (CustomerRow | InvalidRow)[] = [];
  for await (const row of readCustomersBySql(url, query, { cohortColumn })) rows.push(row);
  return rows;
}

const insertRows = (count: number) =>
  Array.from({ length: count }, (_, i) => `('c${i}', '${i === 1 ? 'nope' : key}', 'pro')`).join(
    ',',
  );

describe('a query against SQLite', () => {
  let folder: string;
  let url: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'keyshift-sql-'));
    url = `sqlite:${join(folder, 'app.db')}`;
    const db = new DatabaseSync(join(folder, 'app.db'));
    db.exec(`create table shops (id text, secret_key text, plan text);
      insert into shops values ${insertRows(1200)}`);
    db.close();
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('gives rows with labels, and a verdict for the row that is wrong', async () => {
    const rows = await read(url, `select ${columns} from shops order by rowid`, 'plan');
    expect(rows).toHaveLength(1200);
    expect(rows[0]).toMatchObject({ line: 1, customerId: 'c0', labels: { cohort: 'pro' } });
    expect(rows[1]).toMatchObject({ line: 2, problem: { code: 'private_key_malformed' } });
  });

  it('whose columns have the same name is refused, also where there is no row', async () => {
    for (const query of [
      `select 'a' as customer_id, 'b' as "Customer ID", '${key}' as private_key`,
      `select 'a' as customer_id, '${key}' as private_key, 1 as plan, 2 as plan where 1 = 0`,
    ]) {
      await expect(read(url, query)).rejects.toMatchObject({
        message: expect.stringContaining('two columns') as string,
      });
    }
  });

  it('keeps the digits of ids of 64 bits, and answers rounded ones as errors', async () => {
    const ids = ['9007199254740993', '1234567890123456789', '1.5e18', "'7'"];
    const query = ids.map((id) => `select ${id} as customer_id, '${key}' as private_key`);
    const rows = await read(url, query.join(' union all '));
    expect(
      rows.map((row) => (row.kind === 'customer' ? row.customerId : row.problem.code)),
    ).toEqual(['9007199254740993', '1234567890123456789', 'customer_id_invalid', '7']);
  });

  it.each(['delete from shops', "insert into shops values ('x', 'y', 'z')", 'drop table shops'])(
    'cannot change anything: %s',
    async (query) => {
      await expect(read(url, query)).rejects.toMatchObject({ code: 'import_invalid' });
      expect(await read(url, `select ${columns} from shops`)).toHaveLength(1200);
    },
  );

  it('says which column is missing, what is wrong with the query, and that a file is not there', async () => {
    await expect(read(url, 'select id as customer_id from shops')).rejects.toMatchObject({
      message: expect.stringContaining('private_key') as string,
    });
    await expect(read(url, 'selct 1')).rejects.toMatchObject({
      message: expect.stringContaining('syntax error') as string,
    });
    await expect(read('sqlite:/nowhere/x.db', 'select 1')).rejects.toMatchObject({
      message: expect.stringContaining('/nowhere/x.db') as string,
    });
    await expect(read('oracle://x', 'select 1')).rejects.toMatchObject({ code: 'import_invalid' });
  });
});

describe('a query against PostgreSQL', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createPostgresDatabase();
    await executeRaw(
      database.url,
      `create table shops (id text, secret_key text, plan text);
       insert into shops values ${insertRows(1200)}`,
    );
  });
  afterAll(() => database.drop());

  it('gives every row, over several batches', async () => {
    const rows = await read(database.url, `select ${columns} from shops order by ctid;`);
    expect(rows).toHaveLength(1200);
    expect(rows[1199]).toMatchObject({ line: 1200, customerId: 'c1199', labels: { plan: 'pro' } });
  });

  it('gives ids of every type as the database writes them, or an error for the row', async () => {
    const ids: Record<string, string> = {
      '1234567890123456789::bigint': '1234567890123456789',
      '123456789012345678901234567890::numeric': '123456789012345678901234567890',
      "'8c5f3a52-1c1e-4c3a-9a53-0242ac120002'::uuid": '8c5f3a52-1c1e-4c3a-9a53-0242ac120002',
      "'acme'::bytea": 'acme',
      '1234567890123456789::float8': 'customer_id_invalid',
      '42.00::numeric': 'customer_id_invalid',
      '42::float8': '42',
      "'\\xfffe'::bytea": 'not_utf8',
      '\'{"id": 12345678901234567890}\'::jsonb': 'row_malformed',
      'null::bigint': 'customer_id_missing',
    };
    for (const [expression, expected] of Object.entries(ids)) {
      const [row] = await read(
        database.url,
        `select ${expression} as customer_id, '${key}' as private_key, date '2026-01-31' as since`,
      );
      expect(row?.kind === 'invalid' ? row.problem.code : row?.customerId, expression).toBe(
        expected,
      );
      if (row?.kind === 'customer') expect(row.labels).toEqual({ since: '2026-01-31' });
    }
  });

  it('is told which column is missing or comes twice, also where there is no row', async () => {
    for (const [query, message] of [
      ['select 1 as customer_id where false', 'private_key'],
      [`select ${columns}, 1 as plan from shops where false`, 'two columns plan'],
    ] as const) {
      await expect(read(database.url, query)).rejects.toMatchObject({
        message: expect.stringContaining(message) as string,
      });
    }
  });

  it.each([
    'delete from shops',
    `select ${columns} from shops; commit; delete from shops`,
    'with gone as (delete from shops returning *) select id as customer_id, secret_key as private_key from gone',
  ])('cannot change anything: %s', async (query) => {
    await expect(read(database.url, query)).rejects.toMatchObject({ code: 'import_invalid' });
    expect(await read(database.url, `select ${columns} from shops`)).toHaveLength(1200);
  });
});

describe('a query against MySQL', () => {
  // Types of columns, as the protocol numbers them.
  const [bigint, varString] = [8, 253];

  it('reads in a transaction that is read only, and gives every row with all digits of its id', async () => {
    const asked: string[] = [];
    const server = mysql.createServer((connection) => {
      connection.serverHandshake({
        protocolVersion: 10,
        serverVersion: '8.0.0',
        connectionId: 1,
        statusFlags: 2,
        characterSet: 8,
        capabilityFlags: 0xffffff & ~(1 << 11) & ~(1 << 5),
        authCallback: (_params: unknown, done: (...answer: unknown[]) => void) => done(null),
      });
      connection.on('query', (sql: string) => {
        asked.push(sql);
        (connection as unknown as Answering).sequenceId = 1;
        if (!sql.startsWith('select')) {
          (connection as unknown as Answering).writeOk();
          return;
        }
        const names = ['customer_id', 'private_key'];
        (connection as unknown as Answering).writeTextResult(
          [
            ['1234567890123456789', key],
            ['1234567890123456788', 'nope'],
          ].map(([id, secret]) => ({ customer_id: id, private_key: secret })),
          names.map((name) => ({
            ...{ catalog: 'def', schema: 's', table: 't', orgTable: 't', name, orgName: name },
            ...{ characterSet: 33, columnLength: 384, flags: 0, decimals: 0 },
            columnType: name === 'customer_id' ? bigint : varString,
          })),
        );
      });
      connection.on('error', () => undefined);
    });
    server.listen(0);
    await once((server as unknown as { _server: NodeJS.EventEmitter })._server, 'listening');
    const { port } = (
      server as unknown as { _server: { address(): { port: number } } }
    )._server.address();
    try {
      const rows = await read(`mysql://reader:secret@127.0.0.1:${port}/app`, 'select x');
      expect(rows).toMatchObject([
        { line: 1, customerId: '1234567890123456789' },
        { line: 2, customerId: '1234567890123456788', kind: 'invalid' },
      ]);
      expect(asked).toEqual(['start transaction read only', 'select x']);
    } finally {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    }
  });
});

interface Answering {
  sequenceId: number;
  writeOk(): void;
  writeTextResult(rows: readonly object[], columns: readonly object[]): void;
}

describe('a database that cannot be reached', () => {
  it.each(['postgres', 'mysql'])('%s is told without its password', async (kind) => {
    const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const url = `${kind}://reader:hunter%21two@127.0.0.1:${port}/app`;
    const error: unknown = await read(url, 'select 1').catch((reason: unknown) => reason);
    server.close();
    expect(error).toMatchObject({ code: 'import_invalid' });
    expect(`${String(error)} ${JSON.stringify(error)}`).not.toMatch(/hunter/);
  });
});
