import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { isKeyshiftError, KeyshiftError } from '../errors/keyshift-error.ts';
import { parsePrivateKey, type PrivateKey } from '../klaviyo/private-key.ts';
import { readCsvRecords } from './csv-records.ts';
import { findCustomerIdProblem, holdsPrivateKey } from './customer-id.ts';

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
    | 'not_utf8'
    | 'key_in_wrong_column'
    | 'email_invalid';
  readonly message: string;
}

type RawRow = Readonly<Record<string, string | undefined>>;

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
  const input = typeof source === 'string' ? Readable.from([Buffer.from(source)]) : source;
  let columns: string[] | undefined;
  try {
    for await (const { line, fields } of readCsvRecords(refuseUtf16(input, label))) {
      if (!columns) columns = readHeader(fields ?? [], label);
      else yield fields ? readRow(toRawRow(columns, fields), line) : toMalformedRow(line);
    }
  } catch (cause) {
    throw unreadable(label, cause);
  } finally {
    input.destroy();
  }
  if (!columns) throw new KeyshiftError('import_invalid', `${label} is empty.`);
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
  const fix = reason === 'ENOENT' ? { fix: 'Check the path of the file.' } : {};
  return new KeyshiftError('import_invalid', `${label} cannot be read (${reason}).`, {
    cause,
    ...fix,
  });
}

function readHeader(header: readonly string[], label: string): string[] {
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
  if (/\ufffd/.test(customerId + keyText)) return invalid('not_utf8', notUtf8);
  const problem = findCustomerIdProblem(customerId);
  if (problem !== undefined) return invalid('customer_id_invalid', problem);
  if (holdsPrivateKey(`${record['name'] ?? ''} ${record['email'] ?? ''}`)) {
    const message = 'name or email holds a private key: are columns swapped?';
    return invalid('key_in_wrong_column', message, customerId);
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
  if (name?.includes('\ufffd')) warnings.push({ code: 'not_utf8', message: notUtf8 });
  return { kind: 'customer', line, customerId, key, email, name, warnings };
}

const notUtf8 = 'the row is not UTF-8: save the file as "CSV UTF-8"';

function readEmail(value: string | undefined): {
  email: string | undefined;
  warnings: RowProblem[];
} {
  if (value === undefined || value === '') return { email: undefined, warnings: [] };
  if (/^[^\s@<>",;]+@[^\s@<>",;]+$/.test(value)) return { email: value, warnings: [] };
  return {
    email: undefined,
    warnings: [{ code: 'email_invalid', message: 'email is not an address and was left out' }],
  };
}

function toMalformedRow(line: number): InvalidRow {
  return {
    kind: 'invalid',
    line,
    customerId: undefined,
    problem: { code: 'row_malformed', message: 'the row is not valid CSV: check its quotes' },
  };
}
