import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { CompiledQuery, QueryResult } from 'kysely';
import { LRUCache } from 'lru-cache';
import type { Random } from '../runtime/random.ts';
import { isDurable } from './statement.ts';
import { whenUnlocked } from './sqlite-lock.ts';

const maxCachedStatements = 200;

/** What has to survive: a power cut, or only the death of the process. */
export type Durability = 'power_cut' | 'process';

/** How the next commits wait for the disk. */
type SyncMode = 'full' | 'normal';

interface CachedStatement {
  readonly statement: StatementSync;
  readonly returnsRows: boolean;
}

/** The one connection to SQLite, used by one party at a time: statements, and turns among them. */
export class SqliteSession {
  readonly #db: DatabaseSync;
  readonly #random: Random;
  readonly #syncs: boolean;
  #mode: SyncMode = 'normal';
  readonly #cache = new LRUCache<string, CachedStatement>({ max: maxCachedStatements });
  readonly #waiting: (() => void)[] = [];
  #held = false;

  constructor(db: DatabaseSync, random: Random, durability: Durability) {
    this.#db = db;
    this.#random = random;
    this.#syncs = durability === 'power_cut';
    if (!this.#syncs) db.exec('pragma synchronous = off');
  }

  /** Waits for the turn, in the order of the calls; {@link SqliteSession.leave} ends it. */
  async enter(): Promise<void> {
    if (this.#held) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#held = true;
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#held = false;
  }

  /** Waits its turn, and for other processes that hold the database. */
  async alone<Result>(work: () => Result): Promise<Result> {
    await this.enter();
    try {
      return await this.whenUnlocked(work);
    } finally {
      this.leave();
    }
  }

  whenUnlocked<Result>(work: () => Result): Promise<Result> {
    return whenUnlocked(this.#random, work);
  }

  /** Runs a statement, within the transaction if one is open. */
  run<Row>(query: CompiledQuery): QueryResult<Row> {
    const statement = this.#prepare(query.sql);
    const parameters = query.parameters as readonly SQLInputValue[];
    const syncs = isDurable(query) && !this.#db.isTransaction;
    if (!syncs) return execute(statement, parameters);
    this.#sync('full');
    try {
      return execute(statement, parameters);
    } finally {
      this.#sync('normal');
    }
  }

  async *stream<Row>(query: CompiledQuery): AsyncIterableIterator<QueryResult<Row>> {
    // A statement of its own: a cached one must not be run again while it is being read.
    const statement = this.#db.prepare(query.sql);
    for (const row of statement.iterate(...(query.parameters as readonly SQLInputValue[]))) {
      yield { rows: [row as Row] };
    }
  }

  begin(mode: SyncMode): void {
    this.#sync(mode);
    try {
      // A deferred transaction that reads and then writes fails at once when another process wrote
      // in between; an immediate one waits for its turn.
      execute(this.#prepare('begin immediate'), []);
    } catch (error) {
      this.#sync('normal');
      throw error;
    }
  }

  commit(): void {
    this.#db.exec('commit');
    this.#sync('normal');
  }

  rollback(): void {
    // A full disk or an I/O error has rolled back already.
    if (this.#db.isTransaction) this.#db.exec('rollback');
    this.#sync('normal');
  }

  get isTransaction(): boolean {
    return this.#db.isTransaction;
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }

  #sync(mode: SyncMode): void {
    if (!this.#syncs || mode === this.#mode) return;
    this.#db.exec(`pragma synchronous = ${mode}`);
    this.#mode = mode;
  }

  #prepare(sql: string): CachedStatement {
    const cached = this.#cache.get(sql);
    if (cached) return cached;
    const statement = this.#db.prepare(sql);
    const entry = { statement, returnsRows: statement.columns().length > 0 };
    this.#cache.set(sql, entry);
    return entry;
  }
}

function execute<Row>(
  { statement, returnsRows }: CachedStatement,
  parameters: readonly SQLInputValue[],
): QueryResult<Row> {
  if (returnsRows) {
    const rows = statement.all(...parameters) as Row[];
    return { rows, numAffectedRows: BigInt(rows.length) };
  }
  const { changes } = statement.run(...parameters);
  return { rows: [], numAffectedRows: BigInt(changes) };
}
