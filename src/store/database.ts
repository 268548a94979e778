import { AsyncLocalStorage } from 'node:async_hooks';
import {
  sql,
  type Compilable,
  type CompiledQuery,
  type Kysely,
  type QueryResult,
  type RawBuilder,
} from 'kysely';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import { systemClock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import type { DatabaseBackend } from './database-backend.ts';
import type { DatabaseKind } from './database-url.ts';
import { databaseUnavailable } from './database-unavailable.ts';
import type { Schema } from './schema.ts';
import { createBinder, type Statement } from './statement.ts';

/** A table in the schema where ours lie, for SQL written by hand. */
export type TableName = (name: keyof Schema) => RawBuilder<unknown>;

/**
 * The database as the tables' stores use it: as a whole, or within one transaction. Errors of the
 * driver become `database_unavailable` where they mean that.
 */
export interface Database {
  readonly kind: DatabaseKind;
  all<Parameters, Row>(statement: Statement<Parameters, Row>, values: Parameters): Promise<Row[]>;
  first<Parameters, Row>(
    statement: Statement<Parameters, Row>,
    values: Parameters,
  ): Promise<Row | undefined>;
  /** Returns how many rows were written. */
  run<Parameters, Row>(statement: Statement<Parameters, Row>, values: Parameters): Promise<number>;
  /** Builds, compiles and runs a query whose shape depends on its values. */
  query<Row>(build: (db: Kysely<Schema>, table: TableName) => Compilable<Row>): Promise<Row[]>;
  /** Runs `work` in a transaction; within one, as part of it. */
  transaction<Result>(work: (tx: Transaction) => Promise<Result>): Promise<Result>;
}

/** A database within one transaction; it throws when it is used after the end. */
export interface Transaction extends Database {
  /** Runs `last` when the work is done, before the commit; in the order of the calls. */
  beforeCommit(last: () => Promise<void>): void;
}

/** A database as a whole. Within the work of a transaction on it, it throws. */
export interface RootDatabase extends Database {
  /** Runs `work` apart from the transaction that the caller is in, if any. */
  outsideTransaction<Result>(work: () => Result): Result;
  /** See {@link DatabaseBackend.version}; undefined also once it is closed, or cannot be read. */
  version(): string | undefined;
  close(): Promise<void>;
}

/** Whether this is a transaction, rather than the database as a whole. */
export function isTransaction(database: Database): database is Transaction {
  return 'beforeCommit' in database;
}

/** How often a transaction that lost a race is run before its error is passed on. */
const maxAttempts = 5;
const retryDelayMs = 20;

/** Wraps the Kysely instance of a backend; `close()` destroys it. */
export function createDatabase(
  root: Kysely<Schema>,
  backend: DatabaseBackend,
  random: Random,
): RootDatabase {
  /** Only to notice who uses the whole database within a transaction: statements never read it. */
  const running = new AsyncLocalStorage<OpenTransaction>();
  const db = backend.schema === undefined ? root : root.withSchema(backend.schema);
  const table: TableName = (name) =>
    sql.table(backend.schema === undefined ? name : `${backend.schema}.${name}`);
  const bind = createBinder(db, backend.kind);
  let closing: Promise<void> | undefined;

  const createFace = (
    execute: <Row>(query: CompiledQuery<Row>) => Promise<QueryResult<Row>>,
  ): Omit<Database, 'transaction'> => ({
    kind: backend.kind,
    all: async (from, values) => (await execute(bind(from, values))).rows,
    first: async (from, values) => (await execute(bind(from, values))).rows[0],
    run: async (from, values) => Number((await execute(bind(from, values))).numAffectedRows ?? 0),
    query: async (build) => (await execute(build(db, table).compile())).rows,
  });

  const assertOutside = (what: string): void => {
    if (running.getStore()?.ended !== false) return;
    throw misuse(
      `${what}: the store was used within a transaction on it. Use the store that the transaction gives to its work.`,
    );
  };

  const attempt = async <Result>(work: (tx: Transaction) => Promise<Result>): Promise<Result> => {
    let ownError: { readonly error: unknown } | undefined;
    try {
      return await root.transaction().execute(async (kysely) => {
        const open = new OpenTransaction(kysely, backend);
        const tx: Transaction = {
          ...createFace((query) => open.execute(query)),
          transaction: (nested) => nested(tx),
          beforeCommit: (last) => open.beforeCommit.push(last),
        };
        try {
          return await running.run(open, async () => {
            const result = await work(tx);
            open.assertIdle();
            for (const last of open.beforeCommit) await last();
            return result;
          });
        } catch (error) {
          ownError = { error };
          throw error;
        } finally {
          await open.end();
        }
      });
    } catch (error) {
      // What `work` threw is its caller's; statements have translated their own errors.
      throw ownError?.error === error ? error : translate(backend, error);
    }
  };

  return {
    ...createFace(async <Row>(query: CompiledQuery<Row>) => {
      if (closing) throw databaseUnavailable(backend.label, 'it is closed');
      assertOutside(nameOf(query));
      try {
        return await root.getExecutor().executeQuery<Row>(query);
      } catch (error) {
        throw translate(backend, error);
      }
    }),
    async transaction(work) {
      assertOutside('transaction');
      for (let attempts = 1; ; attempts += 1) {
        if (closing) throw databaseUnavailable(backend.label, 'it is closed');
        try {
          return await attempt(work);
        } catch (error) {
          if (attempts === maxAttempts || !backend.isRetryable(error)) throw error;
          // By the machine's clock: the other side of the race works in real time.
          await systemClock.sleep(retryDelayMs * attempts * (0.5 + random.fraction()));
        }
      }
    },
    outsideTransaction: (work) => running.exit(work),
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

/** A transaction while it runs: knows what of it is still under way, and refuses what comes late. */
class OpenTransaction {
  readonly beforeCommit: (() => Promise<void>)[] = [];
  readonly #kysely: Kysely<Schema>;
  readonly #backend: DatabaseBackend;
  readonly #pending = new Map<Promise<unknown>, CompiledQuery>();
  ended = false;

  constructor(kysely: Kysely<Schema>, backend: DatabaseBackend) {
    this.#kysely = kysely;
    this.#backend = backend;
  }

  async execute<Row>(query: CompiledQuery<Row>): Promise<QueryResult<Row>> {
    if (this.ended) {
      throw misuse(
        `${nameOf(query)}: a transaction was used after its end. Some promise of its work was not awaited.`,
      );
    }
    const result = this.#kysely.getExecutor().executeQuery<Row>(query);
    this.#pending.set(result, query);
    try {
      return await result;
    } catch (error) {
      throw translate(this.#backend, error);
    } finally {
      this.#pending.delete(result);
    }
  }

  /** Throws when a statement is still under way although the work is done. */
  assertIdle(): void {
    const [query] = this.#pending.values();
    if (!query) return;
    throw misuse(
      `${nameOf(query)}: still running when the work of its transaction was done, so nothing was written. Some promise of the work was not awaited.`,
    );
  }

  /** Refuses further statements, and waits for those under way: none of them may run alone. */
  async end(): Promise<void> {
    this.ended = true;
    await Promise.allSettled(this.#pending.keys());
  }
}

function misuse(message: string): KeyshiftError<'internal'> {
  return new KeyshiftError('internal', message);
}

/** A statement by what it does to which table, without values. */
function nameOf({ sql }: CompiledQuery): string {
  const [, verb = 'statement', table = ''] =
    /^\s*(insert into|update|delete from|select\b.*?\bfrom)\s+(?:"\w+"\.)?"(\w+)"/is.exec(
      withoutSubqueries(sql),
    ) ?? [];
  return `${verb.replace(/^select.*/is, 'select')} ${table}`.trimEnd();
}

/** A statement's own tables stand outside of every parenthesis. */
function withoutSubqueries(sql: string): string {
  const shorter = sql.replaceAll(/\([^()]*\)/g, '');
  return shorter === sql ? sql : withoutSubqueries(shorter);
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
