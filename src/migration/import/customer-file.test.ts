import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCustomerFile, readCustomers } from './customer-file.ts';
import type { CustomerRow, InvalidRow } from './customer-row.ts';

const key = 'pk_0123456789abcdef';

/** Rows as a report shows them: `line id`, or `line id! code`. */
const outline = (rows: readonly (CustomerRow | InvalidRow)[]) =>
  rows.map((row) =>
    row.kind === 'customer'
      ? `${row.line} ${row.customerId}`
      : `${row.line} ${row.customerId ?? '?'}! ${row.problem.code}`,
  );

const read = async (csv: string) => outline(await Array.fromAsync(readCustomers(csv)));
const readBytes = async (...chunks: Buffer[]) =>
  Array.fromAsync(readCustomers(Readable.from(chunks)));

describe('a file that cannot be imported', () => {
  let folder: string;
  beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'keyshift-csv-'))));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const readFile = (path: string) => Array.fromAsync(readCustomerFile(path));

  it('is not there', async () => {
    await expect(readFile(join(folder, 'none.csv'))).rejects.toMatchObject({
      code: 'import_invalid',
      message: expect.stringContaining('none.csv') as string,
      fix: expect.stringContaining('path') as string,
    });
  });

  it('is a folder', async () => {
    await expect(readFile(folder)).rejects.toMatchObject({ code: 'import_invalid' });
  });

  it.each([
    ['of no bytes', ''],
    ['of blank lines', '\n\r\n\n'],
    ['of a byte order mark', '\ufeff'],
    ['without the key’s column', 'customer_id,key\nacme,x\n'],
    ['without the customer’s column', 'id,private_key\nacme,x\n'],
    ['without a header', `acme,${key}\nbeta,${key}\n`],
    ['of another kind', '{"customer_id":"acme"}'],
  ])('is one %s', async (_name, content) => {
    const path = join(folder, 'odd.csv');
    await writeFile(path, content);
    await expect(readFile(path)).rejects.toMatchObject({
      code: 'import_invalid',
      fix: expect.stringContaining('customer_id') as string,
    });
  });

  it('is not quoted in the error, since it may begin with a key', async () => {
    const error: unknown = await Array.fromAsync(readCustomers(`${key},acme\n`)).catch(
      (e: unknown) => e,
    );
    expect(String(error) + JSON.stringify(error)).not.toContain(key);
  });

  it('is one whose quotes never close: no row after them is lost without a word', async () => {
    const csv = `customer_id,private_key\nacme,"${key}\nbeta,${key}\ngamma,${key}\n`;
    const outcome = await read(csv).catch((error: unknown) => error);
    expect(outcome).toSatisfy(
      (value) =>
        (value as { code?: string }).code === 'import_invalid' ||
        (Array.isArray(value) && value.some((row) => String(row).includes('row_malformed'))),
    );
  });
});

describe('a row that cannot be imported', () => {
  const header = 'customer_id,private_key,email,name\n';

  it.each([
    ['no customer', `,${key}`, '2 ?! customer_id_missing'],
    ['blanks for a customer', `  ,${key}`, '2 ?! customer_id_missing'],
    ['swapped columns', `${key},acme`, '2 ?! customer_id_invalid'],
    ['a customer of too many characters', `${'x'.repeat(201)},${key}`, '2 ?! customer_id_invalid'],
    ['an invisible character', `ac\u200bme,${key}`, '2 ?! customer_id_invalid'],
    ['a line break in the customer', `"ac\nme",${key}`, '3 ?! customer_id_invalid'],
    ['no key', 'acme,', '2 acme! private_key_missing'],
    ['no second column', 'acme', '2 acme! private_key_missing'],
    ['a key without prefix', 'acme,0123456789abcdef', '2 acme! private_key_malformed'],
    ['two keys', `acme,"${key} ${key}"`, '2 acme! private_key_malformed'],
    ['a quote in the middle', `acme,pk_"0123456789`, '2 acme! private_key_malformed'],
    ['two quotes in the middle', `acme,pk_"0123456789"`, '2 acme! private_key_malformed'],
    ['an id that a spreadsheet shortened', `1.23457E+18,${key}`, '2 ?! customer_id_invalid'],
    ['such an id with a comma', `"1,23457E+18",${key}`, '2 ?! customer_id_invalid'],
    ['an id that became a decimal number', `42.0,${key}`, '2 ?! customer_id_invalid'],
    ['nothing where a database had nothing', `\\N,${key}`, '2 ?! customer_id_missing'],
    ['NULL where a database had nothing', `NULL,${key}`, '2 ?! customer_id_missing'],
    ['a zero byte in the customer', `ac\0me,${key}`, '2 ?! customer_id_invalid'],
    ['a zero byte in the key', `acme,${key}\0`, '2 acme! private_key_malformed'],
    ['more cells than the header', `acme,${key},,Acme, Inc`, '2 ?! row_malformed'],
    ['text behind a closing quote', `acme,"pk_0123456789"x`, '2 ?! row_malformed'],
  ])('holds %s, is answered with its line, and stops no other', async (_name, row, expected) => {
    const rows = await read(`${header}${row}\nbeta,${key}\n`);
    expect(rows[0]?.replace(/^[23] /, '2 ')).toBe(expected.replace(/^[23] /, '2 '));
    expect(rows[1]).toMatch(/^[34] beta$/);
    expect(rows).toHaveLength(2);
  });

  it('never shows a key in what is wrong with it', async () => {
    const rows = await Array.fromAsync(
      readCustomers(`${header}${key},acme\nacme,x${key}\nbeta,"${key}\n`),
    );
    expect(rows.some(({ kind }) => kind === 'invalid')).toBe(true);
    expect(JSON.stringify(rows)).not.toContain(key);
  });

  it('is told about cells that are missing, since others may stand in their place', async () => {
    const [row] = await Array.fromAsync(readCustomers(`${header}acme,${key},Acme\n`));
    expect(row).toMatchObject({ warnings: [{ code: 'email_invalid' }, { code: 'cells_missing' }] });
  });

  it('is told about an id that a spreadsheet may have rounded', async () => {
    const [row, well] = await Array.fromAsync(
      readCustomers(`${header}1234567890123450000,${key},,\n1234567890123456789,${key},,\n`),
    );
    expect(row).toMatchObject({ warnings: [{ code: 'customer_id_rounded' }] });
    expect(well).toMatchObject({ customerId: '1234567890123456789', warnings: [] });
  });

  it('keeps the rest when an address is none, and warns', async () => {
    const [row] = await Array.fromAsync(
      readCustomers(`${header}acme,${key},not an address,Acme\n`),
    );
    expect(row).toMatchObject({
      kind: 'customer',
      email: undefined,
      name: 'Acme',
      warnings: [{ code: 'email_invalid' }],
    });
  });

  it.each([
    "o'neil@shop.example",
    'a!#$%&*+/=?^_`{|}~-z@shop.example',
    '"John Doe"@shop.example',
    '"a@b"@shop.example',
    'zoë@münchen.example',
    'ada@[192.0.2.1]',
    'ada@[IPv6:2001:db8::1]',
  ])('takes every address that mail servers take: %s', async (address) => {
    const csv = `customer_id\tprivate_key\temail\nacme\t${key}\t"${address.replaceAll('"', '""')}"\n`;
    const [row] = await Array.fromAsync(readCustomers(csv));
    expect(row).toMatchObject({ email: address, warnings: [] });
  });

  it.each(['a@b@c.example', 'a b@c.example', 'a@c.example, d@e.example', '<a@c.example>', "a@o'c"])(
    'takes no text that is not one address: %s',
    async (address) => {
      const csv = `customer_id\tprivate_key\temail\nacme\t${key}\t${address}\n`;
      const [row] = await Array.fromAsync(readCustomers(csv));
      expect(row).toMatchObject({ email: undefined, warnings: [{ code: 'email_invalid' }] });
    },
  );

  it('does not keep a private key that slipped into the name', async () => {
    const [row] = await Array.fromAsync(readCustomers(`${header}acme,${key},,${key}\n`));
    expect(JSON.stringify(row)).not.toContain(key);
  });

  it('is one whose id is not UTF-8: it is not taken under a garbled id', async () => {
    const bytes = Buffer.from(`${header}Müller,${key}\nMöller,${key}x\n`, 'latin1');
    for (const row of await readBytes(bytes)) {
      expect(row.kind === 'invalid' || !row.customerId.includes('\ufffd')).toBe(true);
    }
  });

  it('is told about a name that is not UTF-8', async () => {
    const [row] = await readBytes(Buffer.from(`${header}acme,${key},,Müller\n`, 'latin1'));
    const garbled = row?.kind === 'customer' && row.name?.includes('\ufffd') === true;
    expect(garbled && row.warnings.length === 0).toBe(false);
  });
});

describe('a quote', () => {
  const lines = (...rows: string[]) => ['customer_id,private_key,name', ...rows].join('\n');
  const others = [`b,${key},B`, `c,${key},C`];

  it('in the middle of a cell is a character like others, also where two rows have one', async () => {
    const csv = lines(`a,${key},12" Records`, ...others, `d,${key},7" Singles`);
    const rows = await Array.fromAsync(readCustomers(csv));
    expect(outline(rows)).toEqual(['2 a', '3 b', '4 c', '5 d']);
    expect(rows).toMatchObject([{ name: '12" Records' }, {}, {}, { name: '7" Singles' }]);
  });

  it.each([
    ['is never closed', `a,${key},"Acme`, `d,${key},D`],
    ['is closed by the quote of a later row', `a,${key},"Acme`, `d,${key},Delta"`],
    ['is closed within a later row', `a,${key},"Acme`, `d,${key},"Delta"`],
    ['has text behind its end', `a,${key},"Acme" Inc`, `d,${key},D`],
    ['is escaped by a backslash', `a,${key},"The \\"Acme\\""`, `d,${key},D`],
  ])('that %s costs its own row, by its line, and no other', async (_name, first, last) => {
    const rows = await read(lines(first, ...others, last));
    const [own, ...rest] = rows;
    expect(own).toBe('2 ?! row_malformed');
    expect(rest).toEqual(['3 b', '4 c', expect.stringMatching(/^5 (d|\?! row_malformed)$/)]);
  });

  it('that opens more than fifty lines costs no row behind it', async () => {
    const many = Array.from({ length: 120 }, (_, index) => `c${index},${key},x`);
    const rows = await read(lines(`a,${key},"Acme`, ...many));
    expect(rows).toEqual(['2 ?! row_malformed', ...many.map((_, i) => `${i + 3} c${i}`)]);
  });

  it('loses no row, wherever quotes, separators and blanks stand', async () => {
    const cell = fc.stringMatching(/^[a-z", ;]{0,8}$/);
    await fc.assert(
      fc.asyncProperty(fc.array(cell, { minLength: 1, maxLength: 12 }), async (names) => {
        const rows = names.map((name, index) => `c${index},${key},${name}`);
        const answered = await Array.fromAsync(readCustomers(lines(...rows)));
        expect(answered.map(({ line }) => line)).toEqual(rows.map((_, index) => index + 2));
        for (const { line, customerId, kind } of answered) {
          if (kind === 'customer') expect(customerId).toBe(`c${line - 2}`);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('a heading', () => {
  it.each(['customer_id,private_key,private_key', 'Customer ID,customer_id,private_key'])(
    'that comes twice is refused, where nobody knows which is meant: %s',
    async (header) => {
      await expect(read(`${header}\na,b,${key}\n`)).rejects.toMatchObject({
        code: 'import_invalid',
        message: expect.stringContaining('two columns') as string,
      });
    },
  );

  it('of a label that comes twice is numbered: both are kept', async () => {
    const rows = await Array.fromAsync(
      readCustomers(`customer_id,private_key,plan,Plan\nacme,${key},gold,silver\n`),
    );
    expect(rows).toMatchObject([{ labels: { plan: 'gold', plan_2: 'silver' } }]);
  });
});

describe('a file of customers', () => {
  it.each([
    ['bars', `customer_id|private_key\nacme|${key}\n`],
    ['an unusual separator', `customer_id^private_key\nacme^${key}\n`],
    ['the separator that Excel names', `sep=;\ncustomer_id;private_key\nacme;${key}\n`, 3],
    ['a tab that Excel names', `"sep=\t"\ncustomer_id\tprivate_key\nacme\t${key}\n`, 3],
    ['quoted headings with separators', `"a;b;c",customer_id,private_key\n1,acme,${key}\n`],
    ['more semicolons than commas', `x;y;z,customer_id,private_key\n1,acme,${key}\n`],
    ['a heading over two lines', `customer_id,"private\nkey"\nacme,${key}\n`, 3],
    ['headings in capitals', `CUSTOMERID,PRIVATE_KEY\nacme,${key}\n`],
    ['headings in words', `Customer  Id,private key \nacme,${key}\n`],
    ['invisible characters in headings', `\u200bcustomer_id,private_key\u200e\nacme,${key}\n`],
    ['blank lines before the header', `\n \ncustomer_id,private_key\nacme,${key}\n`, 4],
    ['rows of separators alone', `customer_id,private_key,x\n,,\nacme,${key},\n,,\n`, 3],
    ['empty columns at the end', `customer_id,private_key,,\nacme,${key},,,,\n`],
    ['formulas for texts', `customer_id,private_key\n="acme",="${key}"\n`],
    ['an empty first cell', `x\tcustomer_id\tprivate_key\n\tacme\t${key}\n`],
  ])('may have %s', async (_name, csv, line = 2) => {
    const rows = await Array.fromAsync(readCustomers(csv));
    expect(outline(rows)).toEqual([`${line} acme`]);
    expect((rows[0] as CustomerRow).key.reveal()).toBe(key);
  });

  it.each([
    ['commas', `customer_id,private_key\nacme,${key}\n`],
    ['semicolons', `customer_id;private_key\nacme;${key}\n`],
    ['tabs', `customer_id\tprivate_key\nacme\t${key}\n`],
    ['a byte order mark', `\ufeffcustomer_id,private_key\nacme,${key}\n`],
    ['a byte order mark and semicolons', `\ufeffcustomer_id;private_key\nacme;${key}\n`],
    ['a byte order mark and quotes', `\ufeff"customer_id","private_key"\n"acme","${key}"\n`],
    ['line ends of Windows', `customer_id,private_key\r\nacme,${key}\r\n`],
    ['line ends of old Macs', `customer_id,private_key\racme,${key}\r`],
    ['no line end at the end', `customer_id,private_key\nacme,${key}`],
    ['columns the other way round', `private_key,customer_id\n${key},acme\n`],
    ['more columns', `plan,customer_id,x,private_key\ngold,acme,1,${key}\n`],
    ['a header written by people', `Customer ID, Private-Key \nacme,${key}\n`],
    ['blanks around values', `customer_id,private_key\n  acme ,\t${key} \n`],
  ])('may have %s', async (_name, csv) => {
    const rows = await Array.fromAsync(readCustomers(csv));
    expect(outline(rows)).toEqual(['2 acme']);
    expect(rows[0]).toHaveProperty('key');
    expect((rows[0] as CustomerRow).key.reveal()).toBe(key);
  });

  it('holds names with delimiters, quotes and line breaks inside quotes', async () => {
    const csv = `customer_id,private_key,name\nacme,${key},"Acme, ""The"" Shop;\nBerlin"\n`;
    const [row] = await Array.fromAsync(readCustomers(csv));
    expect(row).toMatchObject({ name: 'Acme, "The" Shop;\nBerlin' });
  });

  it.each(['\n', '\r\n'])('counts lines as an editor does, with line ends %j', async (end) => {
    const lines = [
      'customer_id,private_key,name',
      `one,${key},"a`,
      'b',
      'c"',
      `two,${key},x`,
      '',
      'three,,y',
      `four,"${key}",z`,
    ];
    const rows = await read(lines.join(end));
    expect(rows.map((row) => row.split(' ').slice(1).join(' '))).toEqual([
      'one',
      'two',
      'three! private_key_missing',
      'four',
    ]);
    expect(rows[0]).toMatch(/^[24] one$/);
    expect(rows.slice(1)).toEqual(['5 two', '7 three! private_key_missing', '8 four']);
  });

  it.each([
    ['little endian with a mark', true, false],
    ['big endian with a mark', true, true],
    ['little endian without one', false, false],
    ['big endian without one', false, true],
  ])('may be UTF-16, as Windows writes “Unicode text”: %s', async (_name, mark, swap) => {
    const csv = `customer_id\tprivate_key\r\nmüller\t${key}\r\n`;
    const bytes = Buffer.from((mark ? '\ufeff' : '') + csv, 'utf16le');
    if (swap) bytes.swap16();
    expect(outline(await readBytes(...Array.from(bytes, (byte) => Buffer.of(byte))))).toEqual([
      '2 müller',
    ]);
  });

  it.each([
    ['a workbook', Buffer.from('PK\u0003\u0004\u0014\0')],
    ['a compressed file', Buffer.of(0x1f, 0x8b, 8, 0)],
    ['a database', Buffer.from('SQLite format 3\0')],
    ['UTF-32', Buffer.from('\ufeff\0c\0', 'utf16le')],
  ])('that is none, but %s, is refused by what it is', async (_name, bytes) => {
    await expect(readBytes(bytes)).rejects.toMatchObject({
      code: 'import_invalid',
      message: expect.stringContaining('not text') as string,
    });
  });

  it('may arrive in pieces that cut through characters', async () => {
    const bytes = Buffer.from(`\ufeffcustomer_id;private_key;name\r\nmüller;${key};Mü “x”\r\n`);
    const pieces = Array.from(bytes, (_byte, index) => bytes.subarray(index, index + 1));
    expect(await readBytes(...pieces)).toMatchObject([{ customerId: 'müller', name: 'Mü “x”' }]);
  });

  it('answers every row once and in order, whatever the rows', async () => {
    const cell = fc.stringMatching(/^[a-z]{1,12}$/);
    const row = fc.tuple(cell, fc.boolean(), fc.constantFrom('', 'a,b', 'say "x"', 'two\nlines'));
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 30 }), async (rows) => {
        const lines = rows.map(
          ([id, valid, name]) => `${id},${valid ? key : 'nope'},"${name.replaceAll('"', '""')}"`,
        );
        const csv = ['customer_id,private_key,name', ...lines].join('\n');
        const answered = await Array.fromAsync(readCustomers(csv));
        expect(answered.map(({ kind, customerId }) => [customerId, kind])).toEqual(
          rows.map(([id, valid]) => [id, valid ? 'customer' : 'invalid']),
        );
      }),
    );
  });
});
