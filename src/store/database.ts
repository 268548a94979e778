import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { Compilable, CompiledQuery, Kysely, QueryResult } from 'kysely';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { Random } from '../runtime/random.ts';
import type { DatabaseBackend } from './database-backend.ts';
import type { DatabaseKind } from './database-url.ts';
import { databaseUnavailable } from './database-unavailable.ts';
import {
  prepareStatement,
  type ParameterValue,
  type PrepareOptions,
  type StatementBuilder,
} from './prepared-statement.ts';
import type { Schema } from './schema.ts';

/** A statement with named parameters, compiled once. */
export interface Statement<Parameters, Row> {
  all(values: Parameters): Promise<Row[]>;
  first(values: Parameters): Promise<Row | undefined>;
  /** Answers how many rows were written. */
  run(values: Parameters): Promise<number>;
}

/** A running transaction, for what must be done last in it. */
export interface TransactionScope {
  /** Run in order when the work of the transaction is done, before it commits. */
  readonly beforeCommit: (() => Promise<void>)[];
}

/**
 * The database as repositories use it. Whatever runs inside of {@link Database.transaction} joins
 * it. Errors of the driver become `database_unavailable` where they mean that.
 */
export interface Database {
  readonly kind: DatabaseKind;
  prepare<Parameters extends Record<string, ParameterValue>, Row>(
    build: StatementBuilder<Parameters, Row>,
    options?: PrepareOptions,
  ): Statement<Parameters, Row>;
  /** Builds, compiles and runs a query whose shape depends on its values. */
  query<Row>(build: (db: Kysely<Schema>) => Compilable<Row>): Promise<Row[]>;
  transaction<Result>(work: () => Promise<Result>): Promise<Result>;
  /** The transaction that the caller is part of. */
  readonly current: TransactionScope | undefined;
  /** See {@link DatabaseBackend.version}; undefined also once it is closed, or cannot be read. */
  version(): string | undefined;
  close(): Promise<void>;
}

/** How often a transaction that lost a race is run before its error is passed on. */
const maxAttempts = 5;
const retryDelayMs = 20;

interface RunningTransaction extends TransactionScope {
  readonly kysely: Kysely<Schema>;
  finished: boolean;
}

/** Wraps the Kysely instance of a backend; `close()` destroys it. */
export function createDatabase(
  root: Kysely<Schema>,
  backend: DatabaseBackend,
  random: Random,
): Database {
  const running = new AsyncLocalStorage<RunningTransaction>();
  let closing: Promise<void> | undefined;

  const joined = (): RunningTransaction | undefined => {
    const transaction = running.getStore();
    // Work that was left running when its transaction ended goes on without one.
    return transaction?.finished === false ? transaction : undefined;
  };

  const execute = async <Row>(query: CompiledQuery<Row>): Promise<QueryResult<Row>> => {
    const transaction = joined();
    if (closing && !transaction) throw databaseUnavailable(backend.label, 'it is closed');
    try {
      return await (transaction?.kysely ?? root).getExecutor().executeQuery<Row>(query);
    } catch (error) {
      throw translate(backend, error);
    }
  };

  const attempt = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    let ownError: { readonly error: unknown } | undefined;
    try {
      return await root.transaction().execute(async (kysely) => {
        const transaction: RunningTransaction = { kysely, finished: false, beforeCommit: [] };
        try {
          return await running.run(transaction, async () => {
            const result = await work();
            for (const last of transaction.beforeCommit) await last();
            return result;
          });
        } catch (error) {
          ownError = { error };
          throw error;
        } finally {
          transaction.finished = true;
        }
      });
    } catch (error) {
      // What `work` threw is its caller's; statements have translated their own errors.
      throw ownError?.error === error ? error : translate(backend, error);
    }
  };

  return {
    kind: backend.kind,
    get current() {
      return joined();
    },
    prepare(build, options) {
      const bind = prepareStatement(root, build, options);
      return {
        all: async (values) => (await execute(bind(values))).rows,
        first: async (values) => (await execute(bind(values))).rows[0],
        run: async (values) => Number((await execute(bind(values))).numAffectedRows ?? 0),
      };
    },
    query: async (build) => (await execute(build(root).compile())).rows,
    async transaction(work) {
      if (joined()) return work();
      for (let attempts = 1; ; attempts += 1) {
        if (closing) throw databaseUnavailable(backend.label, 'it is closed');
        try {
          return await attempt(work);
        } catch (error) {
          if (attempts === maxAttempts || !backend.isRetryable(error)) throw error;
          // By the real clock: the other side of the race works in real time.
          await delay(retryDelayMs * attempts * (0.5 + random.fraction()));
        }
      }
    },
    version() {
      try {
        return closing ? undefined : backend.version?.();
      } catch {
        return undefined; // Whoever reads now is told why.
      }
    },
    close: () => (closing ??= root.destroy()),
  };
}

function translate(backend: DatabaseBackend, error: unknown): unknown {
  if (error instanceof KeyshiftError) return error;
  const outage = backend.describeOutage(error);
  if (outage !== undefined) return databaseUnavailable(backend.label, outage, error);
  // Every foreign key of the schema points at a connection.
  if (backend.isForeignKeyViolation(error)) {
    return new KeyshiftError('connection_not_found', 'There is no such connection.', {
      cause: error,
    });
  }
  return error;
}
