import { KeyshiftError } from '../errors/keyshift-error.ts';
import { scrub } from '../runtime/scrub.ts';
import { verifyAudit } from './audit-verifier.ts';
import type { AuditChain, AuditContent } from './audit-chain.ts';
import { parametersFor } from './columns.ts';
import { isTransaction, type Database } from './database.ts';
import { readPages } from './paging.ts';
import type { AuditEntry, AuditEvent, AuditHead, AuditVerdict } from '../model/audit.ts';
import type { AuditEventRow, AuditHeadRow } from './schema.ts';
import { statement, type ParameterOf } from './statement.ts';

export interface AuditFilter {
  readonly connectionId?: string;
  /** Starts behind this entry. */
  readonly afterSeq?: number;
  /** Newest first, instead of oldest first. */
  readonly newestFirst?: boolean;
}

/** The log of everything that happened: append only, each entry chained to the one before. */
export interface AuditStore {
  /**
   * Adds an event to the log. In a transaction it is written when the work is done, as the last
   * thing before the commit, so that writers wait for each other as shortly as possible.
   */
  append(event: AuditEvent): Promise<void>;
  /** Events of one connection, oldest first. */
  listByConnection(connectionId: string): Promise<AuditEvent[]>;
  /** Every match with its links, read in pages so that memory stays flat. */
  list(filter?: AuditFilter): AsyncIterable<AuditEntry>;
  /** The recorded end of the log; absent when somebody removed it. */
  head(): Promise<AuditHead | undefined>;
  /**
   * Takes out of a connection's entries what tells whom they were about: the connection and the
   * reasons. What happened, when and by whom stays, and the log still proves itself.
   *
   * @returns how many entries were erased
   */
  erase(connectionId: string): Promise<number>;
  /**
   * Proves the log: walks along it and names every difference from what Keyshift wrote. Writers
   * may go on meanwhile. `onProgress` hears how many entries were read.
   */
  verify(onProgress?: (entries: number) => void): Promise<AuditVerdict>;
}

/** A row as parameters of a statement. */
type RowParameters = { [Column in keyof AuditEventRow]: AuditEventRow[Column] };

const pageSize = 1_000;

const lockHead = statement((db, _p, kind) => {
  const query = db.selectFrom('audit_head').selectAll();
  // A transaction on SQLite is alone from its beginning.
  return kind === 'postgres' ? query.forUpdate() : query;
});

const readHead = statement((db) => db.selectFrom('audit_head').selectAll());

const moveHead = statement((db, p: ParameterOf<Pick<AuditHeadRow, 'seq' | 'hash' | 'seal'>>) =>
  db.updateTable('audit_head').set({ seq: p('seq'), hash: p('hash'), seal: p('seal') }),
);

const insert = statement((db, p: ParameterOf<RowParameters>) =>
  db
    .insertInto('audit_events')
    .values(parametersFor<AuditEventRow, keyof AuditEventRow>(rowColumns, p)),
);

const update = statement(
  (
    db,
    p: ParameterOf<
      Pick<RowParameters, 'seq' | 'connection_id' | 'connection_proof' | 'reason' | 'reason_proof'>
    >,
  ) =>
    db
      .updateTable('audit_events')
      .set({
        connection_id: p('connection_id'),
        connection_proof: p('connection_proof'),
        reason: p('reason'),
        reason_proof: p('reason_proof'),
      })
      .where('seq', '=', p('seq')),
);

const rowColumns = [
  'seq',
  'at',
  'actor',
  'action',
  'connection_id',
  'from_stage',
  'to_stage',
  'reason',
  'actor_proof',
  'connection_proof',
  'reason_proof',
  'prev_hash',
  'hash',
] as const satisfies readonly (keyof AuditEventRow)[];

/** Keeps the audit log. */
export function createAuditStore(database: Database, chain: AuditChain): AuditStore {
  /** What the transaction appends, until it is written. */
  let appended: AuditEvent[] = [];

  /** Written together as the last thing: no two transactions wait for each other on the head. */
  async function flush(): Promise<void> {
    const events = appended;
    appended = [];
    if (events.length > 0) await write(database, chain, events);
  }

  async function read(filter: AuditFilter, limit?: number): Promise<AuditEventRow[]> {
    // Whoever reads in the middle of a transaction sees what it appended.
    await flush();
    return readMatching(database, filter, limit);
  }

  return {
    async append(event) {
      if (!isTransaction(database)) {
        await database.transaction((tx) => write(tx, chain, [event]));
        return;
      }
      if (appended.push(event) === 1) database.beforeCommit(flush);
    },
    listByConnection: async (connectionId) => (await read({ connectionId })).map(toEvent),
    async *list({ afterSeq, ...filter } = {}) {
      const rows = readPages(
        ({ after, limit }) =>
          read({ ...filter, ...(after === undefined ? {} : { afterSeq: after }) }, limit),
        (row) => row.seq,
        { after: afterSeq, limit: pageSize },
      );
      for await (const row of rows) yield toEntry(row);
    },
    async head() {
      const row = await database.first(readHead, {});
      return (
        row && {
          seq: row.seq,
          hash: row.hash,
          beganAtMs: row.began_at,
          earlierEvents: row.earlier_events,
        }
      );
    },
    async erase(connectionId) {
      await flush();
      return database.transaction((tx) => erase(tx, chain, connectionId));
    },
    verify: (onProgress) => verifyAudit(database, chain, onProgress),
  };
}

function readMatching(
  database: Database,
  { connectionId, afterSeq, newestFirst = false }: AuditFilter,
  limit: number | undefined,
): Promise<AuditEventRow[]> {
  return database.query((db) => {
    let query = db.selectFrom('audit_events').selectAll();
    if (connectionId !== undefined) query = query.where('connection_id', '=', connectionId);
    if (afterSeq !== undefined) query = query.where('seq', newestFirst ? '<' : '>', afterSeq);
    query = query.orderBy('seq', newestFirst ? 'desc' : 'asc');
    return limit === undefined ? query : query.limit(limit);
  });
}

/** Writes events in order behind the last one. */
async function write(
  tx: Database,
  chain: AuditChain,
  events: readonly AuditEvent[],
): Promise<void> {
  const head = await tx.first(lockHead, {});
  if (!head) {
    throw new KeyshiftError('audit_broken', 'The recorded end of the audit log is missing.');
  }
  // Over an end that was altered no seal is made: the damage stays visible, and work goes on.
  const intact = head.seal === chain.seal(head);
  let end = { ...head };
  const rows = events.map((event) => {
    const row = chain.link(end.hash, toContent(end.seq + 1, event));
    end = { ...end, seq: row.seq, hash: row.hash };
    return row;
  });
  await insertAll(tx, rows);
  const seal = intact ? chain.seal(end) : head.seal;
  await tx.run(moveHead, { seq: end.seq, hash: end.hash, seal });
}

/** An erased entry is none of the connection any more: each page begins where the last one did. */
async function erase(tx: Database, chain: AuditChain, connectionId: string): Promise<number> {
  for (let count = 0; ;) {
    const rows = await readMatching(tx, { connectionId }, pageSize);
    for (const row of rows) {
      const { connection_id, connection_proof, reason, reason_proof } = chain.erase(row);
      await tx.run(update, { seq: row.seq, connection_id, connection_proof, reason, reason_proof });
    }
    count += rows.length;
    if (rows.length < pageSize) return count;
  }
}

async function insertAll(tx: Database, rows: readonly AuditEventRow[]): Promise<void> {
  if (tx.kind === 'sqlite' || rows.length === 1) {
    for (const row of rows) await tx.run(insert, { ...row });
    return;
  }
  for (let at = 0; at < rows.length; at += pageSize) {
    const page = rows.slice(at, at + pageSize);
    await tx.query((db) => db.insertInto('audit_events').values(page));
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
