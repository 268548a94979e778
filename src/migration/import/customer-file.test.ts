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
    ['a quote in the middle', `acme,pk_"0123456789`, '2 ?! row_malformed'],
    ['two quotes in the middle', `acme,pk_"0123456789"`, '2 acme! private_key_malformed'],
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

describe('a file of customers', () => {
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

  it('as Windows writes “Unicode text” is read rightly or refused, never garbled', async () => {
    const csv = `customer_id\tprivate_key\r\nmüller\t${key}\r\n`;
    const littleEndian = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(csv, 'utf16le')]);
    const bigEndian = Buffer.from(littleEndian).swap16();
    for (const bytes of [littleEndian, bigEndian]) {
      const outcome = await readBytes(bytes).then(outline, (error: unknown) => error);
      if (Array.isArray(outcome)) expect(outcome).toEqual(['2 müller']);
      else expect(outcome).toMatchObject({ code: 'import_invalid' });
    }
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
