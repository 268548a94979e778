import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { TextDecoder } from 'node:util';
import { isKeyshiftError, KeyshiftError } from '../../errors/keyshift-error.ts';
import {
  malformedRow,
  missingColumns,
  nameColumns,
  readCustomerRow,
  type CustomerRow,
  type InvalidRow,
  type RawRow,
  type RowOptions,
} from './customer-row.ts';
import { readCsvRecords, readJsonRows, readLines } from './file-records.ts';

/** The forms of file that can be imported. */
export const fileFormats = ['csv', 'jsonl'] as const;
export type FileFormat = (typeof fileFormats)[number];

/** How a file is read. */
export interface CustomerFileOptions extends RowOptions {
  /** By the name of the file where it is not given: `.jsonl`, `.ndjson`, `.json`, else CSV. */
  readonly format?: FileFormat | undefined;
  /** Told how many bytes have been read. */
  readonly onBytes?: (bytes: number) => void;
}

/**
 * Reads customers from a file. CSV: a header with `customer_id` and `private_key`, optionally
 * `email`, `name` and whatever else, in any order, with any usual separator. JSON: an object with
 * such fields on every line, or an array of them. UTF-8 or UTF-16. A bad row is given as such with
 * its line, and the rest goes on. Memory stays flat.
 *
 * @throws KeyshiftError `import_invalid` when the file cannot be read or has no such header
 * @example
 * ```ts
 * for await (const row of readCustomerFile('customers.csv')) console.log(row.line, row.kind);
 * ```
 */
export function readCustomerFile(
  path: string,
  options: CustomerFileOptions = {},
): AsyncGenerator<CustomerRow | InvalidRow> {
  const format = options.format ?? (/\.(jsonl|ndjson|json)$/i.test(path) ? 'jsonl' : 'csv');
  return readCustomers(createReadStream(path), path, { ...options, format });
}

/** {@link readCustomerFile} for text that is already at hand, or any stream of bytes. */
export async function* readCustomers(
  source: Readable | string,
  label = 'the input',
  options: CustomerFileOptions = {},
): AsyncGenerator<CustomerRow | InvalidRow> {
  const input = typeof source === 'string' ? Readable.from([Buffer.from(source)]) : source;
  const text = decode(countBytes(input, options.onBytes), label);
  try {
    yield* options.format === 'jsonl'
      ? readJsonCustomers(text, label, options)
      : readCsvCustomers(text, label, options);
  } catch (cause) {
    throw unreadable(label, cause);
  } finally {
    input.destroy();
  }
}

async function* readCsvCustomers(
  text: AsyncIterable<string>,
  label: string,
  options: RowOptions,
): AsyncGenerator<CustomerRow | InvalidRow> {
  let columns: string[] | undefined;
  for await (const { line, fields, problem } of readCsvRecords(readLines(text))) {
    if (!columns) columns = readHeader(fields ?? [], label, options);
    else if (!fields) yield malformedRow(line, problem);
    else {
      const row = readCustomerRow(toRawRow(columns, fields), line, options);
      yield fields.length < columns.length ? withCellsMissing(row, fields, columns) : row;
    }
  }
  if (!columns) throw new KeyshiftError('import_invalid', `${label} is empty.`);
}

/** Cells of a row that is too short may stand in the wrong columns. */
function withCellsMissing(
  row: CustomerRow | InvalidRow,
  fields: readonly string[],
  columns: readonly string[],
): CustomerRow | InvalidRow {
  if (row.kind === 'invalid') return row;
  const message = `the row has ${fields.length} cells, but the header has ${columns.length}`;
  return { ...row, warnings: [...row.warnings, { code: 'cells_missing', message }] };
}

async function* readJsonCustomers(
  text: AsyncIterable<string>,
  label: string,
  options: RowOptions,
): AsyncGenerator<CustomerRow | InvalidRow> {
  let empty = true;
  for await (const { line, record, problem } of readJsonRows(text)) {
    empty = false;
    yield record ? readCustomerRow(record, line, options) : malformedRow(line, problem);
  }
  if (empty) throw new KeyshiftError('import_invalid', `${label} is empty.`);
}

async function* countBytes(
  input: AsyncIterable<Buffer>,
  onBytes: ((bytes: number) => void) | undefined,
): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of input) {
    bytes += chunk.length;
    onBytes?.(bytes);
    yield chunk;
  }
}

async function* decode(input: AsyncIterable<Buffer>, label: string): AsyncGenerator<string> {
  let decoder: TextDecoder | undefined;
  let head = Buffer.alloc(0);
  for await (const chunk of input) {
    if (decoder) yield decoder.decode(chunk, { stream: true });
    else {
      head = Buffer.concat([head, chunk]);
      if (head.length < 4) continue;
      decoder = new TextDecoder(detectEncoding(head, label));
      yield decoder.decode(head, { stream: true });
    }
  }
  if (decoder) yield decoder.decode();
  else yield new TextDecoder(detectEncoding(head, label)).decode(head);
}

/** By a byte order mark, or by the zeros that UTF-16 has in every heading. */
function detectEncoding(head: Buffer, label: string): string {
  const start = head.toString('latin1', 0, 4);
  const kind = foreignKinds.find(([marks]) => marks.some((mark) => start.startsWith(mark)))?.[1];
  if (kind !== undefined) {
    throw new KeyshiftError('import_invalid', `${label} is ${kind}, not text.`, {
      fix: 'Export it as "CSV UTF-8", or as JSON lines.',
    });
  }
  const [first, second] = head;
  if (start.startsWith('\xff\xfe') || (first !== 0 && second === 0)) return 'utf-16le';
  if (start.startsWith('\xfe\xff') || (first === 0 && second !== 0)) return 'utf-16be';
  return 'utf-8';
}

/** The first four bytes of what is no text, read as Latin-1. */
const foreignKinds: readonly (readonly [readonly string[], string])[] = [
  [['\xff\xfe\0\0', '\0\0\xfe\xff'], 'UTF-32'],
  [['PK\x03\x04', '\xd0\xcf\x11\xe0'], 'a workbook or an archive'],
  [['\x1f\x8b'], 'compressed'],
  [['SQLi'], 'a database (for one of SQLite, use --from sqlite:PATH)'],
];

function toRawRow(columns: readonly string[], fields: readonly string[]): RawRow {
  return Object.fromEntries(columns.map((name, index) => [name, fields[index]]));
}

function unreadable(label: string, cause: unknown): KeyshiftError {
  if (isKeyshiftError(cause)) return cause;
  const reason = (cause as NodeJS.ErrnoException).code ?? 'not CSV';
  const fix = fixes.get(reason);
  return new KeyshiftError('import_invalid', `${label} cannot be read (${reason}).`, {
    cause,
    ...(fix === undefined ? {} : { fix }),
  });
}

/** For what is no matter of the file's content, as the table's fix is. */
const fixes: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'Check the path of the file.'],
  ['EISDIR', 'Name a file in that folder.'],
  ['EACCES', 'Check the permissions of the file.'],
]);

function readHeader(header: readonly string[], label: string, options: RowOptions): string[] {
  const { names, twice } = nameColumns(header);
  const missing = missingColumns(names, options);
  if (missing.length > 0) {
    const message = `${label} has no column ${missing.join(' and no column ')} in its first line.`;
    const json = /^[[{]/.test(header[0] ?? '');
    const fix =
      'If it is JSON, use --format jsonl. A CSV file begins with a line such as customer_id,private_key.';
    throw new KeyshiftError('import_invalid', message, json ? { fix } : {});
  }
  if (twice !== undefined) {
    throw new KeyshiftError('import_invalid', `${label} has two columns ${twice}.`, {
      fix: 'Keep the right one, and rename or delete the other.',
    });
  }
  return names;
}
