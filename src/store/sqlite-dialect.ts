import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import {
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  type QueryResult,
} from 'kysely';
import type { Random } from '../runtime/random.ts';
import { isDurable } from './prepared-statement.ts';
import { whenUnlocked } from './sqlite-lock.ts';

const maxCachedStatements = 200;

/** What has to survive: a power cut, or only the death of the process. */
export type Durability = 'power_cut' | 'process';

/**
 * Runs Kysely on one `node:sqlite` connection, which the dialect closes when it is destroyed.
 *
 * @param durability `process` never waits for the disk; for what may be lost, as a rehearsal
 */
export function createSqliteDialect(
  db: DatabaseSync,
  random: Random,
  durability: Durability = 'power_cut',
): Dialect {
  return {
    createDriver: () => new NodeSqliteDriver(db, random, createSync(db, durability)),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createAdapter: () => new NodeSqliteAdapter(),
    createIntrospector: (kysely: Kysely<unknown>) => new SqliteIntrospector(kysely),
  };
}

class NodeSqliteAdapter extends SqliteAdapter {
  /** Migrations run in one immediate transaction, which is also their lock. */
  override get supportsTransactionalDdl(): boolean {
    return true;
  }

  /** The driver queues callers itself, in order. */
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

/** Sets how the next commits wait for the disk. */
type Sync = (mode: 'full' | 'normal') => void;

function createSync(db: DatabaseSync, durability: Durability): Sync {
  if (durability === 'process') {
    db.exec('pragma synchronous = off');
    return () => undefined;
  }
  return (mode) => {
    db.exec(`pragma synchronous = ${mode}`);
  };
}

class NodeSqliteDriver implements Driver {
  readonly #db: DatabaseSync;
  /** What people decide and consent to is on the disk when it is answered, not soon after. */
  readonly #sync: Sync;
  readonly #connection: NodeSqliteConnection;
  readonly #waiting: (() => void)[] = [];
  #held = false;

  constructor(db: DatabaseSync, random: Random, sync: Sync) {
    this.#db = db;
    this.#sync = sync;
    this.#connection = new NodeSqliteConnection(db, random, sync);
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    if (this.#held) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#held = true;
    return this.#connection;
  }

  async releaseConnection(): Promise<void> {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#held = false;
  }

  async beginTransaction(): Promise<void> {
    this.#sync('full');
    // A deferred transaction that reads and then writes fails at once when another process wrote
    // in between; an immediate one waits for its turn.
    await this.#connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }

  async commitTransaction(): Promise<void> {
    this.#db.exec('commit');
    this.#sync('normal');
  }

  async rollbackTransaction(): Promise<void> {
    // A full disk or an I/O error has rolled back already.
    if (this.#db.isTransaction) this.#db.exec('rollback');
    this.#sync('normal');
  }

  async destroy(): Promise<void> {
    await this.acquireConnection(); // A running transaction ends first.
    if (this.#db.isOpen) this.#db.close();
    await this.releaseConnection(); // Whoever still waits learns that it is closed.
  }
}

interface CachedStatement {
  readonly statement: StatementSync;
  readonly returnsRows: boolean;
}

class NodeSqliteConnection implements DatabaseConnection {
  readonly #db: DatabaseSync;
  readonly #random: Random;
  readonly #sync: Sync;
  readonly #cache = new Map<string, CachedStatement>();

  constructor(db: DatabaseSync, random: Random, sync: Sync) {
    this.#db = db;
    this.#random = random;
    this.#sync = sync;
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    return whenUnlocked(this.#random, () => this.#run<Row>(query));
  }

  #run<Row>(query: CompiledQuery): QueryResult<Row> {
    const { statement, returnsRows } = this.#prepare(query.sql);
    const parameters = query.parameters as readonly SQLInputValue[];
    const syncs = isDurable(query) && !this.#db.isTransaction;
    if (!syncs) return this.#execute(statement, returnsRows, parameters);
    this.#sync('full');
    try {
      return this.#execute(statement, returnsRows, parameters);
    } finally {
      this.#sync('normal');
    }
  }

  #execute<Row>(
    statement: StatementSync,
    returnsRows: boolean,
    parameters: readonly SQLInputValue[],
  ): QueryResult<Row> {
    if (returnsRows) {
      const rows = statement.all(...parameters) as Row[];
      return { rows, numAffectedRows: BigInt(rows.length) };
    }
    const { changes } = statement.run(...parameters);
    return { rows: [], numAffectedRows: BigInt(changes) };
  }

  async *streamQuery<Row>(query: CompiledQuery): AsyncIterableIterator<QueryResult<Row>> {
    // A statement of its own: a cached one must not be run again while it is being read.
    const statement = this.#db.prepare(query.sql);
    for (const row of statement.iterate(...(query.parameters as readonly SQLInputValue[]))) {
      yield { rows: [row as Row] };
    }
  }

  #prepare(sql: string): CachedStatement {
    const cached = this.#cache.get(sql);
    if (cached) return cached;
    const statement = this.#db.prepare(sql);
    const entry = { statement, returnsRows: statement.columns().length > 0 };
    if (this.#cache.size >= maxCachedStatements) {
      const oldest = this.#cache.keys().next();
      if (!oldest.done) this.#cache.delete(oldest.value);
    }
    this.#cache.set(sql, entry);
    return entry;
  }
}
