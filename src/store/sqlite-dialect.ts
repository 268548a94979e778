import type { DatabaseSync } from 'node:sqlite';
import {
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  type QueryResult,
} from 'kysely';
import type { Random } from '../runtime/random.ts';
import { SqliteSession, type Durability } from './sqlite-session.ts';
import { SqliteWriteGroup } from './sqlite-write-group.ts';

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
    createDriver: () => new NodeSqliteDriver(new SqliteSession(db, random, durability)),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createAdapter: () => new NodeSqliteAdapter(),
    createIntrospector: (kysely: Kysely<unknown>) => new SqliteIntrospector(kysely),
  };
}

class NodeSqliteAdapter extends SqliteAdapter {
  /** The session queues callers itself, in order. */
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

/** Transactions have the session to themselves; single writes share their commits. */
class NodeSqliteDriver implements Driver {
  readonly #session: SqliteSession;
  readonly #writes: SqliteWriteGroup;

  constructor(session: SqliteSession) {
    this.#session = session;
    this.#writes = new SqliteWriteGroup(session);
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<NodeSqliteConnection> {
    return new NodeSqliteConnection(this.#session, this.#writes);
  }

  async releaseConnection(): Promise<void> {}

  async beginTransaction(connection: NodeSqliteConnection): Promise<void> {
    await this.#session.enter();
    try {
      // What people decide and consent to is on the disk when it is answered, not soon after.
      await this.#session.whenUnlocked(() => {
        this.#session.begin('full');
      });
    } catch (error) {
      this.#session.leave();
      throw error;
    }
    connection.isTransaction = true;
  }

  async commitTransaction(connection: NodeSqliteConnection): Promise<void> {
    this.#session.commit();
    this.#end(connection);
  }

  async rollbackTransaction(connection: NodeSqliteConnection): Promise<void> {
    try {
      this.#session.rollback();
    } finally {
      this.#end(connection);
    }
  }

  async destroy(): Promise<void> {
    await this.#writes.flush();
    await this.#session.enter(); // A running transaction ends first.
    this.#session.close();
    this.#session.leave(); // Whoever still waits learns that it is closed.
  }

  #end(connection: NodeSqliteConnection): void {
    connection.isTransaction = false;
    this.#session.leave();
  }
}

const writes: ReadonlySet<string> = new Set([
  'InsertQueryNode',
  'UpdateQueryNode',
  'DeleteQueryNode',
]);

class NodeSqliteConnection implements DatabaseConnection {
  readonly #session: SqliteSession;
  readonly #writes: SqliteWriteGroup;
  /** Whether the session is this connection's own, for its transaction. */
  isTransaction = false;

  constructor(session: SqliteSession, group: SqliteWriteGroup) {
    this.#session = session;
    this.#writes = group;
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    const session = this.#session;
    if (this.isTransaction) return session.whenUnlocked(() => session.run<Row>(query));
    if (writes.has(query.query.kind)) return this.#writes.add<Row>(query);
    return session.alone(() => session.run<Row>(query));
  }

  async *streamQuery<Row>(query: CompiledQuery): AsyncIterableIterator<QueryResult<Row>> {
    if (this.isTransaction) {
      yield* this.#session.stream<Row>(query);
      return;
    }
    await this.#session.enter();
    try {
      yield* this.#session.stream<Row>(query);
    } finally {
      this.#session.leave();
    }
  }
}
