import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { readCustomers } from './customer-file.ts';
import type { CustomerRow, InvalidRow } from './customer-row.ts';

const key = 'pk_0123456789abcdef';

async function read(source: string | Readable, cohortColumn?: string) {
  const rows: (CustomerRow | InvalidRow)[] = [];
  const options = { format: 'jsonl', cohortColumn } as const;
  for await (const row of readCustomers(source, 'the input', options)) rows.push(row);
  return rows;
}

describe('a file of JSON lines', () => {
  it('that is empty is refused', async () => {
    await expect(read('\n \n')).rejects.toMatchObject({ code: 'import_invalid' });
  });

  it('answers a line that is no object as such, by its number, and goes on', async () => {
    const good = JSON.stringify({ customer_id: 'acme', private_key: key });
    const rows = await read(['{"customer_id":', '[1]', 'null', '', good, '"text"'].join('\n'));
    expect(rows.map(({ line, kind }) => [line, kind])).toEqual([
      [1, 'invalid'],
      [2, 'invalid'],
      [3, 'invalid'],
      [5, 'customer'],
      [6, 'invalid'],
    ]);
    expect(JSON.stringify(rows)).not.toContain(key);
    expect(rows[0]).toMatchObject({ problem: { code: 'row_malformed' } });
  });

  it('may name its fields as programs do, hold numbers, and begin with a byte order mark', async () => {
    const line = {
      customerId: 42,
      'Private Key': key,
      Email: 'a@b.example',
      planTier: 3,
      gone: null,
    };
    const [row] = await read(`\ufeff${JSON.stringify(line)}\r\n`, 'planTier');
    expect(row).toMatchObject({
      customerId: '42',
      email: 'a@b.example',
      labels: { plan_tier: '3', gone: '', cohort: '3' },
    });
  });

  it('is read in chunks cut anywhere', async () => {
    const text = Buffer.from(`{"customer_id":"Zoë","private_key":"${key}"}\n`.repeat(3));
    const rows = await read(Readable.from([...text].map((byte) => Buffer.from([byte]))));
    expect(rows.map((row) => row.customerId)).toEqual(['Zoë', 'Zoë', 'Zoë']);
  });

  it('with a line that never ends does not fill the memory', async () => {
    const endless = Readable.from(Array.from({ length: 40 }, () => Buffer.alloc(100_000, 'x')));
    const rows = await read(endless);
    expect(rows.length).toBeGreaterThan(1);
    expect(new Set(rows.map(({ kind }) => kind))).toEqual(new Set(['invalid']));
  });
});

describe('further columns', () => {
  it('become labels, apart from those that hold or promise a secret', async () => {
    const line = {
      ...{ customer_id: 'acme', private_key: key, plan: 'pro\u0007 ', old: 'pk_9999888877776666' },
      ...{ access_token: 'x', 'API Key': 'y', password_hash: 'z', nested: { a: 1 } },
    };
    const [row] = await read(JSON.stringify(line));
    expect(row).toMatchObject({ kind: 'customer', labels: { plan: 'pro' } });
    const { labels, warnings } = row as CustomerRow;
    expect(Object.keys(labels)).toEqual(['plan']);
    expect(warnings).toMatchObject([{ code: 'label_invalid' }]);
    expect(JSON.stringify(warnings)).not.toContain('9999');
  });
});
