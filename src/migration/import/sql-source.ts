import { isKeyshiftError, KeyshiftError } from '../../errors/keyshift-error.ts';
import {
  malformedRow,
  missingColumns,
  readCustomerRow,
  toColumnName,
  type CustomerRow,
  type InvalidRow,
  type RowOptions,
} from './customer-row.ts';
import { toRecord } from './file-records.ts';
import { readMysqlRows } from './sql-mysql.ts';
import { readPostgresRows } from './sql-postgres.ts';
import type { ReadSqlRows } from './sql-query.ts';
import { readSqliteRows } from './sql-sqlite.ts';

const defaultDeadlineMs = 120_000;

const readers = {
  'postgres:': ['PostgreSQL', readPostgresRows],
  'postgresql:': ['PostgreSQL', readPostgresRows],
  'mysql:': ['MySQL', readMysqlRows],
  'sqlite:': ['SQLite', readSqliteRows],
} as const satisfies Record<string, readonly [string, ReadSqlRows]>;

/** What {@link readCustomersBySql} takes. */
export interface SqlSourceOptions extends RowOptions {
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Reads customers by a query against the integrator's database, which must give the columns
 * `customer_id` and `private_key`. The database is only read: the connection, or the transaction,
 * is read only. `line` is the number of the row, counted from 1.
 *
 * @throws KeyshiftError `import_invalid` when the database cannot be reached or the query fails;
 * the URL is not repeated
 * @example
 * ```ts
 * const rows = readCustomersBySql('sqlite:./app.db', 'select id as customer_id, private_key from shops');
 * ```
 */
export async function* readCustomersBySql(
  url: string,
  query: string,
  options: SqlSourceOptions = {},
): AsyncGenerator<CustomerRow | InvalidRow> {
  const scheme = /^[a-z]+:/.exec(url)?.[0] ?? '';
  const entry = Object.hasOwn(readers, scheme)
    ? readers[scheme as keyof typeof readers]
    : undefined;
  if (!entry) {
    throw new KeyshiftError('import_invalid', 'The kind of database to import from is unknown.', {
      fix: 'Start the URL with postgres://, mysql:// or sqlite:.',
    });
  }
  const [label, read] = entry;
  const { deadlineMs = defaultDeadlineMs, signal } = options;
  let row = 0;
  try {
    const onColumns = (names: readonly string[]) => {
      requireColumns(names, options);
    };
    const task = { url, text: query, deadlineMs, onColumns, ...(signal && { signal }) };
    for await (const columns of read(task)) {
      row += 1;
      const { record, problem } = toRecord(Object.entries(columns));
      yield record ? readCustomerRow(record, row, options) : malformedRow(row, problem);
    }
  } catch (cause) {
    if (isKeyshiftError(cause)) throw cause;
    throw new KeyshiftError(
      'import_invalid',
      `The ${label} database to import from cannot be read: ${describe(cause, url)}.`,
      { cause, fix: 'Check the URL, the user’s permission to read, and the query.' },
    );
  }
}

function requireColumns(columns: readonly string[], options: RowOptions): void {
  const names = columns.map(toColumnName);
  const missing = missingColumns(names, options);
  if (missing.length > 0) {
    throw new KeyshiftError(
      'import_invalid',
      `The query returns no column ${missing.join(' and no column ')}.`,
      { fix: 'Name the columns in the query: select id as customer_id, key as private_key, …' },
    );
  }
  // Drivers keep the last of them alone.
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return;
  throw new KeyshiftError('import_invalid', `The query returns two columns ${twice}.`, {
    fix: 'Leave one of them out, or give it another name.',
  });
}

/** What a driver says, without the address: it may hold a password. */
function describe(error: unknown, url: string): string {
  const message = error instanceof Error ? error.message || error.name : String(error);
  const { code } = error as { code?: unknown };
  const text = message === '' && typeof code === 'string' ? code : message;
  const password = URL.parse(url)?.password ?? '';
  const secrets = [url, password, safeDecode(password)].filter((secret) => secret.length > 0);
  return secrets
    .reduce((clean, secret) => clean.replaceAll(secret, '[scrubbed]'), text)
    .replace(/[\s.]+$/, '');
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
