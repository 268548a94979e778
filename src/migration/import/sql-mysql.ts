import type { Readable } from 'node:stream';
import { KeyshiftError } from '../../errors/keyshift-error.ts';
import type { ReadSqlRows } from './sql-query.ts';

const batchSize = 500;

/** Reads in a transaction that is read only, no faster than the rows are taken. */
export const readMysqlRows: ReadSqlRows = async function* ({
  url,
  text,
  deadlineMs,
  signal,
  onColumns,
}) {
  const mysql = await loadMysql();
  const connection = mysql.createConnection({
    uri: url,
    connectTimeout: Math.min(deadlineMs, 15_000),
    multipleStatements: false,
    supportBigNumbers: true,
    bigNumberStrings: true,
    dateStrings: ['DATE'],
  });
  let broken: Error | undefined;
  let rows: Readable | undefined;
  // A connection that breaks does not tell the stream under way by itself.
  connection.on('error', (error: Error) => {
    broken = error;
    rows?.destroy(error);
  });
  let columns: readonly string[] | undefined;
  const run = (sql: string) => {
    const query = connection.query({ sql, timeout: deadlineMs });
    query.on('fields', (fields: readonly { readonly name: string }[] | undefined) => {
      columns = fields?.map(({ name }) => name);
    });
    rows = query.stream({ highWaterMark: batchSize });
    if (broken) rows.destroy(broken);
    return rows;
  };
  try {
    await run('start transaction read only').toArray();
    let told = false;
    const tell = () => {
      if (!told && columns) onColumns(columns);
      told = true;
    };
    for await (const row of run(text)) {
      if (signal?.aborted) return;
      tell();
      yield row as object;
    }
    tell();
  } finally {
    connection.destroy();
  }
};

/** The package is an optional peer: most integrators have no MySQL. */
async function loadMysql() {
  try {
    return await import('mysql2');
  } catch (cause) {
    throw new KeyshiftError('import_invalid', 'The package mysql2 is not installed.', {
      cause,
      fix: 'Install it next to Keyshift: npm install mysql2',
    });
  }
}
