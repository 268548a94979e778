import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { isKeyshiftError, KeyshiftError } from '../../errors/keyshift-error.ts';
import {
  missingColumns,
  readCustomerRow,
  toColumnName,
  type CustomerRow,
  type InvalidRow,
  type RawRow,
  type RowOptions,
} from './customer-row.ts';
import { readCsvRecords, readJsonLines } from './file-records.ts';

/** The forms of file that can be imported. */
export const fileFormats = ['csv', 'jsonl'] as const;
export type FileFormat = (typeof fileFormats)[number];

/** How a file is read. */
export interface CustomerFileOptions extends RowOptions {
  /** By the name of the file where it is not given: `.jsonl` and `.ndjson`, else CSV. */
  readonly format?: FileFormat | undefined;
  /** Told how many bytes have been read. */
  readonly onBytes?: (bytes: number) => void;
}

/**
 * Reads customers from a file. CSV: a header with `customer_id` and `private_key`, optionally
 * `email`, `name` and whatever else, in any order; comma, semicolon or tab. JSON lines: an object
 * with such fields on every line. UTF-8 with or without a byte order mark. A bad row is answered
 * as such with its line, and the rest goes on. Memory stays flat.
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
  const format = options.format ?? (/\.(jsonl|ndjson)$/i.test(path) ? 'jsonl' : 'csv');
  return readCustomers(createReadStream(path), path, { ...options, format });
}

/** {@link readCustomerFile} for text that is already at hand, or any stream of bytes. */
export async function* readCustomers(
  source: Readable | string,
  label = 'the input',
  options: CustomerFileOptions = {},
): AsyncGenerator<CustomerRow | InvalidRow> {
  const input = typeof source === 'string' ? Readable.from([Buffer.from(source)]) : source;
  const bytes = countBytes(refuseUtf16(input, label), options.onBytes);
  try {
    yield* options.format === 'jsonl'
      ? readJsonRows(bytes, label, options)
      : readCsvRows(bytes, label, options);
  } catch (cause) {
    throw unreadable(label, cause);
  } finally {
    input.destroy();
  }
}

async function* readCsvRows(
  bytes: AsyncIterable<Buffer>,
  label: string,
  options: RowOptions,
): AsyncGenerator<CustomerRow | InvalidRow> {
  let columns: string[] | undefined;
  for await (const { line, fields } of readCsvRecords(bytes)) {
    if (!columns) columns = readHeader(fields ?? [], label, options);
    else if (!fields) yield malformed(line, 'the row is not valid CSV: check its quotes');
    else yield readCustomerRow(toRawRow(columns, fields), line, options);
  }
  if (!columns) throw new KeyshiftError('import_invalid', `${label} is empty.`);
}

async function* readJsonRows(
  bytes: AsyncIterable<Buffer>,
  label: string,
  options: RowOptions,
): AsyncGenerator<CustomerRow | InvalidRow> {
  let empty = true;
  for await (const { line, record, problem } of readJsonLines(bytes)) {
    empty = false;
    yield record ? readCustomerRow(record, line, options) : malformed(line, problem);
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

/** What spreadsheets call "Unicode text" would be read as garbage. */
async function* refuseUtf16(input: AsyncIterable<Buffer>, label: string): AsyncGenerator<Buffer> {
  let first = true;
  for await (const chunk of input) {
    if (first && chunk.length > 1 && /^(\xff\xfe|\xfe\xff)/.test(chunk.toString('latin1', 0, 2))) {
      throw new KeyshiftError('import_invalid', `${label} is UTF-16.`, {
        fix: 'Save the file as "CSV UTF-8".',
      });
    }
    first = false;
    yield chunk;
  }
}

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
  const names = header.map(toColumnName);
  const missing = missingColumns(names, options);
  if (missing.length > 0) {
    throw new KeyshiftError(
      'import_invalid',
      `${label} has no column ${missing.join(' and no column ')} in its first line.`,
    );
  }
  return names;
}

function malformed(line: number, message: string): InvalidRow {
  return {
    kind: 'invalid',
    line,
    customerId: undefined,
    problem: { code: 'row_malformed', message },
  };
}
