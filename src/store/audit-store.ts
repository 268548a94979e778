import { KeyshiftError } from '../errors/keyshift-error.ts';
import { scrub } from '../runtime/scrub.ts';
import { verifyAudit } from './audit-verifier.ts';
import type { AuditChain, AuditContent } from './audit-chain.ts';
import type { Database, TransactionScope } from './database.ts';
import type { ParameterOf } from './prepared-statement.ts';
import type { AuditEntry, AuditEvent } from '../model/audit.ts';
import type { AuditEventRow, AuditHeadRow } from './schema.ts';
import type { AuditFilter, AuditStore } from './store.ts';

/** A row as parameters of a statement. */
type RowParameters = { [Column in keyof AuditEventRow]: AuditEventRow[Column] };

const pageSize = 1_000;

/** Keeps the audit log: append only, each row chained to the one before. */
export function createAuditStore(database: Database, chain: AuditChain): AuditStore {
  const writer = createWriter(database, chain);
  const pending = new WeakMap<TransactionScope, AuditEvent[]>();

  const flush = async (scope: TransactionScope): Promise<void> => {
    const events = pending.get(scope)?.splice(0) ?? [];
    if (events.length > 0) await writer.write(events);
  };

  /** Whoever reads in the middle of a transaction sees what it appended. */
  const read = async (filter: AuditFilter, limit?: number): Promise<AuditEventRow[]> => {
    if (database.current) await flush(database.current);
    return database.query((db) => {
      let query = db.selectFrom('audit_events').selectAll();
      const { connectionId, afterSeq, newestFirst } = filter;
      if (connectionId !== undefined) query = query.where('connection_id', '=', connectionId);
      if (afterSeq !== undefined) {
        query = query.where('seq', newestFirst === true ? '<' : '>', afterSeq);
      }
      query = query.orderBy('seq', newestFirst === true ? 'desc' : 'asc');
      return limit === undefined ? query : query.limit(limit);
    });
  };

  async function* list(filter: AuditFilter = {}): AsyncIterable<AuditEntry> {
    let { afterSeq } = filter;
    for (;;) {
      const rows = await read(
        { ...filter, ...(afterSeq === undefined ? {} : { afterSeq }) },
        pageSize,
      );
      for (const row of rows) yield toEntry(row);
      afterSeq = rows.at(-1)?.seq;
      if (rows.length < pageSize) return;
    }
  }

  return {
    async append(event) {
      const scope = database.current;
      if (!scope) return database.transaction(() => writer.write([event]));
      const events = pending.get(scope);
      if (events) {
        events.push(event);
        return;
      }
      pending.set(scope, [event]);
      // The lock on the head is the last one taken: no two transactions wait for each other.
      scope.beforeCommit.push(() => flush(scope));
    },
    listByConnection: async (connectionId) => (await read({ connectionId })).map(toEvent),
    list,
    async head() {
      const row = await writer.readHead();
      return (
        row && {
          seq: row.seq,
          hash: row.hash,
          beganAtMs: row.began_at,
          earlierEvents: row.earlier_events,
        }
      );
    },
    verify: (onProgress) => verifyAudit(database, chain, onProgress),
  };
}

function createWriter(database: Database, chain: AuditChain) {
  const lockHead = database.prepare((db) => {
    const query = db.selectFrom('audit_head').selectAll();
    // A transaction on SQLite is alone from its beginning.
    return database.kind === 'postgres' ? query.forUpdate() : query;
  });
  const readHead = database.prepare((db) => db.selectFrom('audit_head').selectAll());
  const moveHead = database.prepare(
    (db, p: ParameterOf<Pick<AuditHeadRow, 'seq' | 'hash' | 'seal'>>) =>
      db.updateTable('audit_head').set({ seq: p('seq'), hash: p('hash'), seal: p('seal') }),
  );
  const insert = database.prepare((db, p: ParameterOf<RowParameters>) =>
    db.insertInto('audit_events').values({
      seq: p('seq'),
      at: p('at'),
      actor: p('actor'),
      action: p('action'),
      connection_id: p('connection_id'),
      from_stage: p('from_stage'),
      to_stage: p('to_stage'),
      reason: p('reason'),
      prev_hash: p('prev_hash'),
      hash: p('hash'),
    }),
  );
  return {
    readHead: () => readHead.first({}),

    /** Writes events in order behind the last one, in the transaction of the caller. */
    async write(events: readonly AuditEvent[]): Promise<void> {
      const head = await lockHead.first({});
      if (!head) {
        throw new KeyshiftError('audit_broken', 'The recorded end of the audit log is missing.');
      }
      // Over an end that was altered no seal is made: the damage stays visible, and work goes on.
      const intact = head.seal === chain.seal(head);
      let end = { ...head };
      const rows = events.map((event) => {
        const content = toContent(end.seq + 1, event);
        const row = { ...content, prev_hash: end.hash, hash: chain.link(end.hash, content) };
        end = { ...end, seq: row.seq, hash: row.hash };
        return row;
      });
      await insertAll(rows);
      await moveHead.run({
        seq: end.seq,
        hash: end.hash,
        seal: intact ? chain.seal(end) : head.seal,
      });
    },
  };

  async function insertAll(rows: readonly AuditEventRow[]): Promise<void> {
    if (database.kind === 'sqlite' || rows.length === 1) {
      for (const row of rows) await insert.run({ ...row });
      return;
    }
    for (let at = 0; at < rows.length; at += pageSize) {
      const page = rows.slice(at, at + pageSize);
      await database.query((db) => db.insertInto('audit_events').values(page));
    }
  }
}

function toContent(seq: number, event: AuditEvent): AuditContent {
  return {
    seq,
    at: event.atMs,
    // Half a surrogate pair comes back from the database as another character.
    actor: event.actor.toWellFormed(),
    action: event.action.toWellFormed(),
    connection_id: event.connectionId?.toWellFormed() ?? null,
    from_stage: event.fromStage ?? null,
    to_stage: event.toStage ?? null,
    // People write reasons, and other servers: what looks like a secret is never kept for good.
    reason: event.reason === undefined ? null : scrub(event.reason.toWellFormed()),
  };
}

function toEvent(row: AuditEventRow): AuditEvent {
  return {
    atMs: row.at,
    actor: row.actor,
    action: row.action,
    connectionId: row.connection_id ?? undefined,
    fromStage: row.from_stage ?? undefined,
    toStage: row.to_stage ?? undefined,
    reason: row.reason ?? undefined,
  };
}

function toEntry(row: AuditEventRow): AuditEntry {
  return {
    ...toEvent(row),
    seq: row.seq,
    previousHash: row.prev_hash ?? undefined,
    hash: row.hash ?? undefined,
  };
}
