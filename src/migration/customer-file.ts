import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parse, type CsvError } from 'csv-parse';
import { isKeyshiftError, KeyshiftError } from '../errors/keyshift-error.ts';
import { parsePrivateKey, type PrivateKey } from '../klaviyo/private-key.ts';

/** A row of the customers' file that can be imported. */
export interface CustomerRow {
  readonly kind: 'customer';
  /** Line in the file, counted from 1 with the header. */
  readonly line: number;
  readonly customerId: string;
  readonly key: PrivateKey;
  readonly email: string | undefined;
  readonly name: string | undefined;
  /** What was odd and did not stop the row. */
  readonly warnings: readonly RowProblem[];
}

/** A row that cannot. */
export interface InvalidRow {
  readonly kind: 'invalid';
  readonly line: number;
  readonly customerId: string | undefined;
  readonly problem: RowProblem;
}

/** What is wrong with a row, in words that never repeat a key. */
export interface RowProblem {
  readonly code:
    | 'row_malformed'
    | 'customer_id_missing'
    | 'customer_id_invalid'
    | 'private_key_missing'
    | 'private_key_malformed'
    | 'email_invalid';
  readonly message: string;
}

type RawRow = Readonly<Record<string, string | undefined>>;
type ParsedRecord = { readonly record: RawRow; readonly info: { readonly lines: number } };

/**
 * Reads customers from CSV: a header with `customer_id` and `private_key`, optionally `email` and
 * `name`, in any order; comma or semicolon; UTF-8 with or without a byte order mark. A bad row is
 * answered as such with its line, and the rest goes on. Memory stays flat.
 *
 * @throws KeyshiftError `import_invalid` when the file cannot be read or has no such header
 * @example
 * ```ts
 * for await (const row of readCustomerFile('customers.csv')) console.log(row.line, row.kind);
 * ```
 */
export function readCustomerFile(path: string): AsyncGenerator<CustomerRow | InvalidRow> {
  return readCustomers(createReadStream(path), path);
}

/** {@link readCustomerFile} for text that is already at hand, or any stream of bytes. */
export async function* readCustomers(
  source: Readable | string,
  label = 'the input',
): AsyncGenerator<CustomerRow | InvalidRow> {
  const skipped: InvalidRow[] = [];
  const input = typeof source === 'string' ? Readable.from([Buffer.from(source)]) : source;
  let start: Buffer;
  try {
    start = await readStart(input);
  } catch (cause) {
    throw unreadable(label, cause);
  }
  const parser = parse({
    bom: true,
    delimiter: detectDelimiter(start),
    columns: (header: string[]) => readHeader(header, label),
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    trim: true,
    on_skip: (error) => {
      if (error) skipped.push(toMalformedRow(error));
    },
  });
  const feed = pipeline(withStart(start, input), parser);
  feed.catch(() => undefined); // The loop below sees the same failure.
  try {
    for await (const { record, info } of parser as AsyncIterable<ParsedRecord>) {
      yield* skipped.splice(0);
      yield readRow(record, info.lines);
    }
    yield* skipped.splice(0);
  } catch (cause) {
    throw unreadable(label, cause);
  } finally {
    parser.destroy();
    input.destroy();
  }
}

function unreadable(label: string, cause: unknown): KeyshiftError {
  if (isKeyshiftError(cause)) return cause;
  const reason = (cause as NodeJS.ErrnoException).code ?? 'not CSV';
  const fix = reason === 'ENOENT' ? { fix: 'Check the path of the file.' } : {};
  return new KeyshiftError('import_invalid', `${label} cannot be read (${reason}).`, {
    cause,
    ...fix,
  });
}

/** Reads until the header line is complete, so that its delimiter can be told. */
async function readStart(input: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  const iterator = input.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
  while (size < 65_536) {
    const next = await iterator.next();
    if (next.done) break;
    chunks.push(next.value);
    size += next.value.length;
    if (next.value.includes(0x0a)) break;
  }
  await iterator.return?.();
  return Buffer.concat(chunks);
}

async function* withStart(start: Buffer, rest: Readable): AsyncGenerator<Buffer> {
  yield start;
  if (!rest.readableEnded) yield* rest as AsyncIterable<Buffer>;
}

/** Comma, semicolon (as spreadsheets write in much of Europe) or tab: whichever the header uses. */
function detectDelimiter(start: Buffer): string {
  const header = start.toString().split(/\r?\n|\r/, 1)[0] ?? '';
  const count = (delimiter: string) => header.split(delimiter).length;
  return [';', '\t'].find((delimiter) => count(delimiter) > count(',')) ?? ',';
}

function readHeader(header: string[], label: string): string[] {
  const names = header.map((name) =>
    name
      .trim()
      .toLowerCase()
      .replaceAll(/[\s-]+/g, '_'),
  );
  const missing = ['customer_id', 'private_key'].filter((name) => !names.includes(name));
  if (missing.length > 0) {
    throw new KeyshiftError(
      'import_invalid',
      `${label} has no column ${missing.join(' and no column ')} in its first line.`,
    );
  }
  return names;
}

function readRow(record: RawRow, line: number): CustomerRow | InvalidRow {
  const customerId = record['customer_id'] ?? '';
  const keyText = record['private_key'] ?? '';
  const invalid = (code: RowProblem['code'], message: string, shownId?: string): InvalidRow => ({
    kind: 'invalid',
    line,
    customerId: shownId,
    problem: { code, message },
  });
  if (customerId === '') return invalid('customer_id_missing', 'customer_id is empty');
  if (parsePrivateKey(customerId)) {
    return invalid('customer_id_invalid', 'customer_id holds a private key: are columns swapped?');
  }
  if (customerId.length > 200 || /[\p{Cc}\p{Cf}]/u.test(customerId)) {
    return invalid(
      'customer_id_invalid',
      'customer_id must be at most 200 characters without control characters',
    );
  }
  if (keyText === '') return invalid('private_key_missing', 'private_key is empty', customerId);
  const key = parsePrivateKey(keyText);
  if (!key) {
    return invalid(
      'private_key_malformed',
      'private_key must be "pk_" followed by letters and digits',
      customerId,
    );
  }
  const { email, warnings } = readEmail(record['email']);
  const name = record['name'] === '' ? undefined : record['name']?.slice(0, 200);
  return { kind: 'customer', line, customerId, key, email, name, warnings };
}

function readEmail(value: string | undefined): Pick<CustomerRow, 'email' | 'warnings'> {
  if (value === undefined || value === '') return { email: undefined, warnings: [] };
  if (/^[^\s@<>",;]+@[^\s@<>",;]+$/.test(value)) return { email: value, warnings: [] };
  return {
    email: undefined,
    warnings: [{ code: 'email_invalid', message: 'email is not an address and was left out' }],
  };
}

function toMalformedRow(error: CsvError): InvalidRow {
  const line = (error as { lines?: number }).lines ?? 0;
  return {
    kind: 'invalid',
    line,
    customerId: undefined,
    problem: { code: 'row_malformed', message: 'the row is not valid CSV: check its quotes' },
  };
}
