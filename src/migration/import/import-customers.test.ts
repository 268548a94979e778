import { describe, expect, it } from 'vitest';
import {
  openTestBench,
  privateKey,
  type TestBench,
} from '../../../test/support/workbench-fixture.ts';
import { KeyshiftError } from '../../errors/keyshift-error.ts';
import type { Store } from '../../store/store.ts';
import { readCustomers } from './customer-file.ts';
import { planRow } from './import-customers.ts';

const header = 'customer_id,private_key,email,name\n';
const row = (id: string, key = id) =>
  `${id},${privateKey(key).reveal()},${id}@shop.example,${id}\n`;
const openKey = async (bench: TestBench, customerId: string) =>
  (await bench.store.privateKeys.open((await bench.read(customerId)).id))?.reveal();

describe('rows that need a look', () => {
  it('are counted and told with line, customer and code, and stop no other', async () => {
    await using bench = await openTestBench();
    const report = await bench.importCsv(`${header}${row('a')}b,\n${row('c')}${row('a', 'x')}`);
    expect(report.verdicts).toEqual({
      imported: 2,
      updated: 0,
      unchanged: 0,
      duplicate: 1,
      rejected: 1,
    });
    expect(report.rows).toBe(4);
    expect(report.issues).toMatchObject([
      { line: 3, customerId: 'b', severity: 'error', code: 'private_key_missing' },
      { line: 5, customerId: 'a', severity: 'error', code: 'duplicate_customer' },
    ]);
    expect(report.issues[1]?.message).toContain('line 2');
    expect(await openKey(bench, 'a')).toBe(privateKey('a').reveal());
  });

  it('are told when two customers hold one key, whichever file they came in', async () => {
    await using bench = await openTestBench();
    await bench.importCsv(header + row('a', 'shared'));
    await bench.clock.advance(1);
    const report = await bench.importCsv(header + row('b', 'shared') + row('c', 'shared'));
    expect(report.verdicts).toMatchObject({ imported: 2, rejected: 0 });
    expect(report.issues).toMatchObject([
      { line: 2, customerId: 'b', severity: 'warning', code: 'duplicate_key' },
      { line: 3, customerId: 'c', severity: 'warning', code: 'duplicate_key' },
    ]);
    expect(report.issues[1]?.message).toMatch(/\ba, b\b/);
  });

  it('never show a key', async () => {
    await using bench = await openTestBench();
    const report = await bench.importCsv(
      `${header}${row('a', 'shared')}${row('b', 'shared')}${privateKey('x').reveal()},c\n`,
    );
    expect(report.issues).toHaveLength(2);
    expect(JSON.stringify(report)).not.toContain('0123456789abcdef');
  });
});

describe('the plan of a row', () => {
  const planOf = async (bench: TestBench, text: string) => {
    const rows = await Array.fromAsync(readCustomers(header + text));
    return planRow(bench.store, { row: rows[0]!, firstLine: 2, sharing: [] });
  };

  it('is data that says what would be written, and writes nothing', async () => {
    await using bench = await openTestBench();
    expect((await planOf(bench, row('a'))).change).toMatchObject({
      kind: 'add',
      row: { customerId: 'a', email: 'a@shop.example' },
    });
    expect(await bench.store.connections.findByCustomer('a')).toBeUndefined();
    await bench.importCsv(header + row('a'));
    const existing = await bench.read('a');
    expect(await planOf(bench, row('a'))).toEqual({ verdict: 'unchanged', issues: [] });
    const renamed = await planOf(bench, row('a').replace('@shop', '@new'));
    expect(renamed.change).toEqual({
      ...{ kind: 'update', existing, labels: {} },
      details: { email: 'a@new.example', name: 'a' },
    });
    const replaced = await planOf(bench, row('a', 'other'));
    expect(replaced.change).toMatchObject({ kind: 'replace_key', existing });
    expect(JSON.stringify(replaced)).not.toContain(privateKey('other').reveal());
    expect(await bench.read('a')).toEqual(existing);
  });
});

describe('a file that is imported again', () => {
  it('changes nothing, and writes nothing to the audit log', async () => {
    await using bench = await openTestBench();
    const csv = header + row('a') + row('b');
    await bench.importCsv(csv);
    const first = [await bench.read('a'), await bench.read('b')];
    await bench.clock.advance(60_000);
    const report = await bench.importCsv(csv);
    expect(report).toMatchObject({ rows: 2, verdicts: { imported: 0, updated: 0, unchanged: 2 } });
    expect([await bench.read('a'), await bench.read('b')]).toEqual(first);
    expect(await bench.auditOf('a')).toEqual(['nothing → imported, test']);
  });

  it('takes new names and addresses over, and leaves those alone that it lacks', async () => {
    await using bench = await openTestBench();
    await bench.importCsv(header + row('a'));
    const key = privateKey('a').reveal();
    const report = await bench.importCsv(`customer_id,private_key,name\na,${key},New Name\n`);
    expect(report.verdicts).toMatchObject({ updated: 1, imported: 0 });
    expect(await bench.read('a')).toMatchObject({ name: 'New Name', email: 'a@shop.example' });
  });

  it('is unchanged for a customer whose key was destroyed long ago', async () => {
    await using bench = await openTestBench();
    await bench.importCsv(header + row('a'));
    const { id } = await bench.read('a');
    await bench.store.privateKeys.destroy(id, bench.clock.now());
    const report = await bench.importCsv(header + row('a'));
    expect(report.verdicts).toMatchObject({ unchanged: 1 });
    expect(await openKey(bench, 'a')).toBeUndefined();
  });
});

describe('a new key for a customer', () => {
  it.each(['imported', 'checked', 'invited', 'opened'] as const)(
    'replaces the old one at stage %s, and is to be checked again',
    async (stage) => {
      await using bench = await openTestBench();
      await bench.add('a', { stage, key: privateKey('old').reveal() });
      const report = await bench.importCsv(header + row('a', 'new'));
      expect(report).toMatchObject({ issues: [], verdicts: { updated: 1 } });
      expect(await bench.read('a')).toMatchObject({ stage: 'imported', email: 'a@shop.example' });
      expect(await openKey(bench, 'a')).toBe(privateKey('new').reveal());
    },
  );

  it.each(['authorized', 'verified', 'canary', 'live', 'quiet', 'retired'] as const)(
    'is refused at stage %s, and nothing is changed',
    async (stage) => {
      await using bench = await openTestBench();
      const before = await bench.add('a', { stage, key: privateKey('old').reveal() });
      const report = await bench.importCsv(header + row('a', 'new'));
      expect(report.verdicts).toMatchObject({ rejected: 1 });
      expect(report.issues).toMatchObject([{ line: 2, severity: 'error', code: 'stage_conflict' }]);
      expect(await bench.read('a')).toEqual(before);
      expect(await openKey(bench, 'a')).toBe(privateKey('old').reveal());
    },
  );

  it('mends a connection that waits for one, and not one that was live before', async () => {
    await using bench = await openTestBench();
    const waiting = { stage: 'attention', attentionReason: 'key_invalid' } as const;
    const lost = { stage: 'attention', attentionReason: 'grant_lost' } as const;
    await bench.add('a', { ...waiting, attentionFrom: 'imported', key: 'pk_olda0123456789' });
    await bench.add('b', { ...lost, attentionFrom: 'live', key: 'pk_oldb0123456789' });
    const report = await bench.importCsv(header + row('a') + row('b'));
    expect(report.verdicts).toMatchObject({ updated: 1, rejected: 1 });
    expect(await bench.read('a')).toMatchObject({ stage: 'imported', attentionReason: undefined });
    expect(await bench.auditOf('a')).toEqual(['attention → imported, test: private key replaced']);
    expect(await bench.read('b')).toMatchObject({ stage: 'attention' });
    expect(await openKey(bench, 'b')).toBe('pk_oldb0123456789');
  });
});

describe('a large import', () => {
  const many = (count: number) =>
    header + Array.from({ length: count }, (_each, index) => row(`c${index}`)).join('');

  it('that is interrupted keeps whole batches, and goes on when run again', async () => {
    await using bench = await openTestBench();
    const abort = new AbortController();
    const seen: number[] = [];
    const onProgress = (rows: number) => {
      seen.push(rows);
      if (seen.length === 2) abort.abort();
    };
    const first = await bench.importCsv(many(1_500), { signal: abort.signal, onProgress });
    expect(first.rows).toBeLessThan(1_500);
    expect(first.verdicts.imported).toBe(first.rows);
    expect(seen.at(-1)).toBe(first.rows);
    const second = await bench.importCsv(many(1_500));
    expect(second.rows).toBe(1_500);
    expect(second.verdicts).toMatchObject({
      unchanged: first.rows,
      imported: 1_500 - first.rows,
      duplicate: 0,
    });
  });

  it('loses no row when the database asks for a batch to be repeated', async () => {
    await using bench = await openTestBench();
    let failures = 1;
    // As on PostgreSQL, where a transaction that met another is rolled back and run again.
    const store: Store = {
      ...bench.store,
      async transaction(work) {
        if (failures-- > 0) {
          const serialization = new Error('could not serialize access');
          await bench.store
            .transaction(async (tx) => {
              await work(tx);
              throw serialization;
            })
            .catch((error: unknown) => {
              if (error !== serialization) throw error;
            });
        }
        return bench.store.transaction(work);
      },
    };
    const report = await bench.importCsv(many(10), { store });
    expect(report).toMatchObject({ rows: 10, issues: [], verdicts: { imported: 10 } });
  });

  it('is not stopped by one customer who was changed at the same moment', async () => {
    await using bench = await openTestBench();
    await bench.importCsv(header + row('a') + row('b') + row('c'));
    const renamed = (header + row('a') + row('b') + row('c')).replaceAll('@shop', '@new');
    const refusing = (within: Store): Store => ({
      ...within,
      connections: {
        ...within.connections,
        update: (connection, patch, atMs) =>
          connection.customerId === 'b'
            ? Promise.reject(new KeyshiftError('stage_conflict', 'someone else came first'))
            : within.connections.update(connection, patch, atMs),
      },
      transaction: (work) => within.transaction((tx) => work(refusing(tx))),
    });
    const store = refusing(bench.store);
    const report = await bench.importCsv(renamed, { store });
    expect(report.verdicts).toMatchObject({ updated: 2, rejected: 1 });
    expect(report.issues).toMatchObject([{ customerId: 'b', code: 'stage_conflict' }]);
    expect(await bench.read('c')).toMatchObject({ email: 'c@new.example' });
  });

  it('keeps what it learned when the file breaks off in the middle', async () => {
    await using bench = await openTestBench();
    async function* broken() {
      yield* readCustomers(many(300));
      throw new KeyshiftError('import_invalid', 'the disk went away');
    }
    const { importCustomers } = await import('./import-customers.ts');
    const { store, machine, clock, random } = bench;
    await expect(
      importCustomers(broken(), { store, machine, clock, random, actor: 'test' }),
    ).rejects.toMatchObject({ code: 'import_invalid' });
    expect(await bench.read('c0')).toMatchObject({ stage: 'imported' });
    await expect(bench.importCsv(many(300))).resolves.toMatchObject({ issues: [] });
  });
});

describe('a key that many customers share', () => {
  it('is known again for each of them, and new for whoever had another', async () => {
    await using bench = await openTestBench();
    const shared = 'pk_shared0123456789abcdef';
    const rows = Array.from({ length: 9 }, (_, i) => `c${i},${shared}`).join('\n');
    const csv = `customer_id,private_key\n${rows}\n`;
    expect((await bench.importCsv(csv)).verdicts.imported).toBe(9);
    const again = await bench.importCsv(csv);
    expect(again.verdicts).toMatchObject({ unchanged: 9, updated: 0 });
    expect(again.issues.at(-1)?.message).toMatch(/same private key as (c\d, ){4}c\d;/);
    await bench.importCsv('customer_id,private_key\nnew,pk_other0123456789abcdef\n');
    const moved = await bench.importCsv(`customer_id,private_key\nnew,${shared}\n`);
    expect(moved.verdicts.updated).toBe(1);
  });
});
