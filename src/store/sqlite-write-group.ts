import { setImmediate } from 'node:timers';
import type { CompiledQuery, QueryResult } from 'kysely';
import { isDurable } from './statement.ts';
import type { SqliteSession } from './sqlite-session.ts';

interface Member {
  readonly query: CompiledQuery;
  readonly resolve: (result: QueryResult<unknown>) => void;
  readonly reject: (error: unknown) => void;
}

/** What became of one statement; the others of its group do not depend on it. */
type Outcome = { readonly result: QueryResult<unknown> } | { readonly error: unknown };

/**
 * Gathers the single writes of one turn of the event loop into one commit: under load a commit
 * costs more than what it commits, and a synced one waits for the disk. A write is answered when
 * its commit is there, as if it were alone, and one that fails takes no other along.
 */
export class SqliteWriteGroup {
  readonly #session: SqliteSession;
  #members: Member[] = [];

  constructor(session: SqliteSession) {
    this.#session = session;
  }

  add<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    return new Promise((resolve, reject) => {
      const member = { query, resolve: resolve as Member['resolve'], reject };
      if (this.#members.push(member) === 1) setImmediate(() => void this.flush());
    });
  }

  /** Commits what was added so far. */
  async flush(): Promise<void> {
    await this.#session.enter();
    const members = this.#members;
    this.#members = [];
    try {
      const queries = members.map(({ query }) => query);
      const outcomes = await this.#session.whenUnlocked(() => this.#run(queries));
      for (const [at, { resolve, reject }] of members.entries()) {
        const outcome = outcomes[at] as Outcome;
        if ('result' in outcome) resolve(outcome.result);
        else reject(outcome.error);
      }
    } catch (error) {
      for (const { reject } of members) reject(error);
    } finally {
      this.#session.leave();
    }
  }

  #run(queries: readonly CompiledQuery[]): Outcome[] {
    const session = this.#session;
    const [first] = queries;
    if (!first) return [];
    if (queries.length === 1) return [{ result: session.run(first) }];
    session.begin(queries.some(isDurable) ? 'full' : 'normal');
    try {
      const outcomes = queries.map((query) => runMember(session, query));
      session.commit();
      return outcomes;
    } catch (error) {
      session.rollback();
      throw error;
    }
  }
}

function runMember(session: SqliteSession, query: CompiledQuery): Outcome {
  try {
    return { result: session.run(query) };
  } catch (error) {
    // A full disk or an I/O error has rolled back the others too.
    if (!session.isTransaction) throw error;
    return { error };
  }
}
