import { PostgresDialect } from 'kysely';
import type { DatabaseBackend } from './database-backend.ts';
import type { DatabaseAddress } from './database-url.ts';
import { createPostgresPool, type PostgresPoolOptions } from './postgres-pool.ts';

/** What a process takes of a PostgreSQL server. */
export interface PostgresLimits {
  /** Connections at the most. */
  readonly maxConnections: number;
  /** How long work waits for a connection, new or busy. */
  readonly connectTimeoutMs: number;
  /** How long a statement may take. */
  readonly statementTimeoutMs: number;
}

const defaultLimits: PostgresLimits = {
  maxConnections: 10,
  connectTimeoutMs: 5_000,
  statementTimeoutMs: 10_000,
};

/** The server is to end a statement first: it says why, and the connection can be used again. */
const headStartMs = 5_000;

/** A migration may wait for another process's, and may rewrite a large table. */
const forMigrations = { maxConnections: 1, statementTimeoutMs: 0, readTimeoutMs: 0 };

/** What the errors of sockets and TLS mean for the operator. */
const networkOutages: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection broke',
  EPIPE: 'the connection broke',
  ENOTFOUND: 'the host name is unknown',
  EAI_AGAIN: 'the host name cannot be looked up right now',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  ETIMEDOUT: 'it does not answer',
  ENOENT: 'its socket does not exist',
  EACCES: 'access to its socket is denied',
};

/** SQLSTATE classes and codes after which the database cannot be used, whatever the statement. */
const outageStates = /^(08...|28...|3D000|53...|55P03|57P..|57014|58...|25006|25P03|42501|XX...)$/;

/** What `pg` says without a code when a connection cannot be had or was lost. */
const outageMessages: readonly (readonly [RegExp, string])[] = [
  [/timeout expired|due to connection timeout/, 'it does not answer'],
  [/timeout exceeded when trying to connect/, 'every connection is busy, or it does not answer'],
  [/^Query read timeout/, 'it does not answer'],
  [/^Connection terminated|not queryable|connection error/, 'the connection broke'],
  [/does not support SSL/, 'it does not offer TLS, which DATABASE_URL asks for'],
  [/after calling end on the pool|already been destroyed/, 'it is closed'],
];

/** Prepares PostgreSQL; nothing is connected yet. */
export function createPostgresBackend(
  { url, label, schema }: Extract<DatabaseAddress, { kind: 'postgres' }>,
  given: Partial<PostgresLimits>,
  onIdleError: (error: Error) => void,
): DatabaseBackend {
  const limits = { ...defaultLimits, ...given };
  const readTimeoutMs = limits.statementTimeoutMs + headStartMs;
  const dialect = (other: Partial<PostgresPoolOptions> = {}) =>
    new PostgresDialect({
      pool: async () =>
        createPostgresPool({ url, ...limits, readTimeoutMs, onIdleError, ...other }),
    });
  return {
    kind: 'postgres',
    label,
    schema,
    dialect: dialect(),
    createMigrationDialect: () => dialect(forMigrations),
    describeOutage,
    isRetryable: (error) => ['40001', '40P01'].includes(codeOf(error) ?? ''),
    isForeignKeyViolation: (error) => codeOf(error) === '23503',
    isMissingTable: (error) => codeOf(error) === '42P01',
  };
}

function describeOutage(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = codeOf(error);
  if (code !== undefined) {
    const network = networkOutages[code];
    if (network !== undefined) return network;
    if (code === '57014') return 'a statement took too long';
    // Messages of the server name users and databases, never passwords.
    if (outageStates.test(code)) return error.message.split('\n', 1)[0];
    if (/CERT|TLS|SSL|SELF_SIGNED/.test(code)) return `its TLS certificate is refused (${code})`;
  }
  return outageMessages.find(([pattern]) => pattern.test(error.message))?.[1];
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;
}
