import pg from 'pg';
import type { ReadSqlRows } from './sql-query.ts';

const batchSize = 500;

/**
 * Reads through a cursor in a transaction that is read only. The query goes by the extended
 * protocol, which takes one statement and no second one behind it.
 */
export const readPostgresRows: ReadSqlRows = async function* ({
  url,
  text,
  deadlineMs,
  signal,
  onColumns,
}) {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'keyshift import',
    connectionTimeoutMillis: Math.min(deadlineMs, 15_000),
    statement_timeout: deadlineMs,
    query_timeout: deadlineMs + 5_000,
    types: exactTypes(),
    options: '-c default_transaction_read_only=on',
  });
  // A connection that breaks also fails the query under way, which tells of it.
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query('begin transaction read only');
    const declare = `declare keyshift_import no scroll cursor for ${text.replace(/[;\s]+$/, '')}`;
    await client.query({ text: declare, queryMode: 'extended' } as pg.QueryConfig);
    for (let batch = 0; ; batch += 1) {
      if (signal?.aborted) return;
      const { rows, fields } = await client.query<Record<string, unknown>>(
        `fetch ${batchSize} from keyshift_import`,
      );
      if (batch === 0) onColumns(fields.map(({ name }) => name));
      yield* rows;
      if (rows.length < batchSize) return;
    }
  } finally {
    await client.end().catch(() => undefined);
  }
};

/** Numbers as PostgreSQL writes them, and days without the time zone of this machine. */
function exactTypes(): pg.TypeOverrides {
  const { FLOAT4, FLOAT8, DATE } = pg.types.builtins;
  const types = new pg.TypeOverrides();
  for (const id of [FLOAT4, FLOAT8, DATE]) types.setTypeParser(id, String);
  return types;
}
