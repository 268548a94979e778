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

describe('an id in JSON', () => {
  const ids = async (...values: string[]) => {
    const rows = await read(
      values.map((id) => `{"customer_id": ${id}, "private_key": "${key}"}`).join('\n'),
    );
    return rows.map((row) => (row.kind === 'customer' ? row.customerId : row.problem.code));
  };

  it('of 64 bits keeps its digits, and its neighbour is another', async () => {
    expect(await ids('1234567890123456789', '1234567890123456788', '18446744073709551615')).toEqual(
      ['1234567890123456789', '1234567890123456788', '18446744073709551615'],
    );
  });

  it('that is a decimal number, a rounded one, or none is an error of its row', async () => {
    expect(await ids('42.0', '1.2e18', '1E3', '{"id": 1}', '[1]', 'null', 'true')).toEqual([
      ...['customer_id_invalid', 'customer_id_invalid', 'customer_id_invalid'],
      ...['row_malformed', 'row_malformed', 'customer_id_missing', 'true'],
    ]);
  });

  it('that comes twice in one object by different spellings is an error of its row', async () => {
    const [row] = await read(`{"customer_id":"a","customerId":"b","private_key":"${key}"}`);
    expect(row).toMatchObject({ kind: 'invalid', problem: { code: 'row_malformed' } });
  });
});

describe('an array of JSON', () => {
  const item = (id: string) =>
    `{"customer_id": ${id}, "private_key": "${key}", "name": "a]},\\"{"}`;

  it.each([
    ['on one line', `[${item('1234567890123456789')},${item('"b"')}]`],
    ['over many lines', `\ufeff[\r\n${item('1234567890123456789')},\r\n${item('"b"')}\r\n]\r\n`],
    ['pretty', `\n[ ${item('1234567890123456789').replaceAll(', ', ',\n  ')}\n , ${item('"b"')} ]`],
  ])('%s gives each of its objects, by its number', async (_name, text) => {
    for (const source of [text, Readable.from([...text].map((char) => Buffer.from(char)))]) {
      expect(await read(source)).toMatchObject([
        { line: 1, customerId: '1234567890123456789', name: 'a]},"{' },
        { line: 2, customerId: 'b' },
      ]);
    }
  });

  it.each([
    ['an element that is none', `[${item('1')}, 5, ${item('2')}]`, ['1', '?', '2']],
    ['an element that is missing', `[${item('1')},, ${item('2')}]`, ['1', '?', '2']],
    ['an unclosed text', `[${item('1')},\n{"a": "x},\n${item('2')}\n]`, ['1', '?']],
    ['no end', `[${item('1')}, ${item('2')},`, ['1', '2', '?']],
    ['no end within an object', `[${item('1')}, {"a":`, ['1', '?']],
    ['an end too early', `[${item('1')}], ${item('2')}`, ['1', '?']],
    ['a bracket too many', `[${item('1')}}, ${item('2')}]`, ['1', '?']],
    ['nothing but an end', `[${item('1')},]`, ['1']],
  ])('with %s says so, and goes on where it can', async (_name, text, expected) => {
    const rows = await read(text);
    expect(rows.map((row) => (row.kind === 'customer' ? row.customerId : '?'))).toEqual(expected);
  });

  it('longer than memory should hold is read one object at a time', async () => {
    const objects = Readable.from(
      (function* () {
        yield Buffer.from('[');
        for (let index = 0; index < 20_000; index += 1) {
          yield Buffer.from(`${index > 0 ? ',' : ''}${item(`"c${index}"`)}`);
        }
        yield Buffer.from(']');
      })(),
    );
    expect((await read(objects)).length).toBe(20_000);
  });

  it('with a customer twice on one line counts them apart', async () => {
    expect((await read(`[${item('1')},${item('1')}]`)).map(({ line }) => line)).toEqual([1, 2]);
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
