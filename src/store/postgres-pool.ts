import pg from 'pg';
import type { PostgresPool, PostgresPoolClient } from 'kysely';

type TypeId = Parameters<typeof pg.types.getTypeParser>[0];

/** The limits of a pool. */
export interface PostgresPoolOptions {
  readonly url: string;
  readonly maxConnections: number;
  /** How long a caller waits for a connection, new or busy. */
  readonly connectTimeoutMs: number;
  /** After this long the server ends a statement of a transaction; 0 for never. */
  readonly statementTimeoutMs: number;
  /** After this long without an answer to a statement its connection is given up; 0 for never. */
  readonly readTimeoutMs: number;
  /** Told about a connection that broke while nobody used it. */
  readonly onIdleError: (error: Error) => void;
}

/** How long a transaction may sit between two statements before the server ends it. */
const idleInTransactionMs = 30_000;

/** A bounded pool of connections for Kysely. Connects on first use. */
export function createPostgresPool(options: PostgresPoolOptions): PostgresPool {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.maxConnections,
    connectionTimeoutMillis: options.connectTimeoutMs,
    query_timeout: options.readTimeoutMs,
    keepAlive: true,
    application_name: 'keyshift',
    types: { getTypeParser },
  });
  pool.on('error', options.onIdleError);
  return {
    options: {},
    connect: async () => checkOut(await pool.connect(), limitsOf(options)),
    end: () => pool.end(),
  };
}

/** Times and counts fit a number: milliseconds do so until the year 287396. */
const getTypeParser = ((oid: TypeId, format?: 'text'): unknown =>
  oid === pg.types.builtins.INT8
    ? Number
    : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser;

/**
 * Poolers such as PgBouncer refuse these limits when a connection starts and share a session among
 * callers: they are set for a transaction each. A single statement is bounded by the read timeout.
 */
function limitsOf({ statementTimeoutMs }: PostgresPoolOptions): string {
  return [
    `set local statement_timeout = ${statementTimeoutMs}`,
    `set local idle_in_transaction_session_timeout = ${idleInTransactionMs}`,
  ].join('; ');
}

const beginsTransaction = /^(?:begin|start transaction)\b/;

function checkOut(client: pg.PoolClient, limits: string): PostgresPoolClient {
  let broken: Error | undefined;
  // A connection that breaks between two statements has no query to fail; without a listener its
  // error would end the process.
  const onError = (error: Error) => {
    broken = error;
  };
  client.on('error', onError);
  const query = async (sql: string, parameters: readonly unknown[]) => {
    if (broken) throw broken;
    try {
      if (beginsTransaction.test(sql)) return await client.query(`${sql}; ${limits}`);
      return await client.query(sql, parameters as unknown[]);
    } catch (error) {
      if (error instanceof Error && isConnectionLost(error)) broken = error;
      throw error;
    }
  };
  return {
    // Kysely passes a cursor here only when it is configured with one.
    query: query as unknown as PostgresPoolClient['query'],
    release: (destroy) => {
      client.off('error', onError);
      client.release(destroy === true || broken !== undefined);
    },
  };
}

/**
 * The server ended the session, or did not answer in time: then it may still be at work on the
 * statement, and the next one would wait behind it.
 */
function isConnectionLost(error: Error): boolean {
  if (!(error instanceof pg.DatabaseError)) return true;
  return /^(08|57P|25P03)/.test(error.code ?? '');
}
