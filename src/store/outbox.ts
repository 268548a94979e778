import { sql, type Kysely, type Updateable } from 'kysely';
import type { Connection } from '../model/connection.ts';
import type {
  ContactRecord,
  MessageChannel,
  MessageKind,
  NewMessage,
  OutboxEntry,
  OutboxState,
  SendOutcome,
} from '../model/message.ts';
import { scrub } from '../runtime/scrub.ts';
import { claimDue, type Claim } from './claim.ts';
import { createRowMapper, parametersFor, type ColumnsOf } from './columns.ts';
import type { Database } from './database.ts';
import { readPages } from './paging.ts';
import type { OutboxRow, Schema } from './schema.ts';
import { statement, type ParameterOf } from './statement.ts';

/** Who takes messages, and until when. */
export interface OutboxClaim extends Claim {
  readonly channels: readonly MessageChannel[];
}

export interface OutboxFilter {
  readonly states?: readonly OutboxState[];
  readonly kinds?: readonly MessageKind[];
  readonly connectionId?: string;
  readonly invitationId?: string;
  /** Created at this time or later. */
  readonly sinceMs?: number;
}

export interface OutboxCount {
  readonly kind: MessageKind;
  readonly channel: MessageChannel;
  readonly state: OutboxState;
  readonly count: number;
}

/**
 * Messages to customers, each a row that outlives a crash: claimed with a lease, marked before the
 * other side is told, and ended with what it said. What was marked and not ended is `uncertain`.
 */
export interface OutboxStore {
  /** Returns false, and queues nothing, when its key is taken. */
  add(message: NewMessage): Promise<boolean>;
  findById(id: string): Promise<OutboxEntry | undefined>;
  /** Leases messages that wait and are due, longest due first; no two callers get the same. */
  claim(claim: OutboxClaim): Promise<OutboxEntry[]>;
  /** Marks a message just before it is sent; false when `owner` does not hold it any more. */
  begin(id: string, owner: string, leaseExpiresAtMs: number): Promise<boolean>;
  /** Ends what `owner` began or claimed; false when somebody else decided on it meanwhile. */
  finish(id: string, owner: string, outcome: SendOutcome): Promise<boolean>;
  /** Gives back what `owner` claimed and did not begin. */
  release(owner: string): Promise<void>;
  /** Owners that hold anything at present, for finding those that died. */
  listOwners(): Promise<string[]>;
  /**
   * Takes over from those who let their lease run out before `nowMs`, and from the owners that are
   * known to be dead: what was not begun waits again, a mail that was is `uncertain`, anything
   * else, which its receiver recognises by its id, is sent again. Returns how many are uncertain.
   */
  takeOver(nowMs: number, deadOwners: readonly string[]): Promise<number>;
  /** In order of creation, read in pages so that memory stays flat. */
  list(filter?: OutboxFilter): AsyncIterable<OutboxEntry>;
  count(filter?: OutboxFilter): Promise<number>;
  countByState(): Promise<OutboxCount[]>;
  /** Lets a failed or uncertain message be sent once more, under the same id; false for any other. */
  resend(id: string, atMs: number): Promise<boolean>;
  /** Cancels what still waits for an invitation; returns how many. */
  cancelByInvitation(invitationId: string, atMs: number, detail: string): Promise<number>;
  /** When the earliest waiting message falls due. */
  nextDueMs(): Promise<number | undefined>;
  /** What the customer of a connection was told, for reports. */
  contactOf(connection: Pick<Connection, 'id'>): Promise<ContactRecord>;
}

/** Longest answer of another side that is kept. */
const detailLength = 500;

const columns = {
  id: 'id',
  connectionId: 'connection_id',
  invitationId: 'invitation_id',
  kind: 'kind',
  channel: 'channel',
  recipient: 'recipient',
  state: 'state',
  attempts: 'attempts',
  dueAtMs: 'due_at',
  createdAtMs: 'created_at',
  endedAtMs: 'ended_at',
  leaseOwner: 'lease_owner',
  leaseExpiresAtMs: 'lease_expires_at',
  detail: 'detail',
} as const satisfies ColumnsOf<OutboxEntry, OutboxRow>;

const mapper = createRowMapper<OutboxEntry, OutboxRow, typeof columns>(columns);

const free = { lease_owner: null, lease_expires_at: null } as const;

type Parameters = { [Column in keyof OutboxRow]: OutboxRow[Column] };

const insert = statement((db, p: ParameterOf<Parameters>) =>
  db
    .insertInto('outbox')
    .values(parametersFor<OutboxRow, keyof OutboxRow>([...mapper.columns, 'once_key'], p))
    .onConflict((conflict) => conflict.column('once_key').doNothing()),
);

const findById = statement((db, p: ParameterOf<{ id: string }>) =>
  db.selectFrom('outbox').selectAll().where('id', '=', p('id')),
);

const begin = statement(
  (db, p: ParameterOf<{ id: string; owner: string; leaseExpiresAt: number }>) =>
    db
      .updateTable('outbox')
      .set((eb) => ({
        state: 'sending',
        attempts: eb('attempts', '+', 1),
        lease_expires_at: p('leaseExpiresAt'),
      }))
      .where('id', '=', p('id'))
      .where('lease_owner', '=', p('owner'))
      .where('state', '=', 'waiting'),
);

const release = statement((db, p: ParameterOf<{ owner: string }>) =>
  db
    .updateTable('outbox')
    .set(free)
    .where('lease_owner', '=', p('owner'))
    .where('state', '=', 'waiting'),
);

const resend = statement((db, p: ParameterOf<{ id: string; at: number }>) =>
  db
    .updateTable('outbox')
    .set({ ...free, state: 'waiting', due_at: p('at'), ended_at: null })
    .where('id', '=', p('id'))
    .where('state', 'in', ['failed', 'uncertain']),
);

const cancel = statement(
  (db, p: ParameterOf<{ invitationId: string; at: number; detail: string }>) =>
    db
      .updateTable('outbox')
      .set({ state: 'cancelled', ended_at: p('at'), detail: p('detail') })
      .where('invitation_id', '=', p('invitationId'))
      .where('state', '=', 'waiting'),
);

const countByState = statement((db) =>
  db
    .selectFrom('outbox')
    .select(['kind', 'channel', 'state', (eb) => eb.fn.countAll<number>().as('count')])
    .groupBy(['kind', 'channel', 'state'])
    .orderBy('kind')
    .orderBy('channel')
    .orderBy('state'),
);

const listOwners = statement((db) =>
  db
    .selectFrom('outbox')
    .select('lease_owner')
    .distinct()
    .where('state', 'in', ['waiting', 'sending'])
    .where('lease_owner', 'is not', null),
);

const nextDue = statement((db) =>
  db
    .selectFrom('outbox')
    .select((eb) => eb.fn.min('due_at').as('due_at'))
    .where('state', '=', 'waiting'),
);

const contactOf = statement((db, p: ParameterOf<{ id: string }>) =>
  db
    .selectFrom('outbox')
    .select((eb) => [
      eb.fn.min('ended_at').as('first_told'),
      eb.fn.max('ended_at').as('last_told'),
      eb.fn
        .sum<number | null>(eb.case().when('kind', '=', sql.lit('reminder')).then(1).else(0).end())
        .as('reminders'),
      eb
        .selectFrom('invitations')
        .select((each) => each.fn.min('opened_at').as('at'))
        .where('connection_id', '=', p('id'))
        .as('opened'),
    ])
    .where('connection_id', '=', p('id'))
    .where('state', '=', sql.lit('sent')),
);

/** Keeps messages to customers. */
export function createOutboxStore(database: Database): OutboxStore {
  return {
    add: async (message) => (await database.run(insert, toNewRow(message))) > 0,
    async findById(id) {
      const row = await database.first(findById, { id });
      return row && mapper.toRecord(row);
    },
    async claim({ channels, ...claim }) {
      const rows = await claimDue(database, 'outbox', claim, (eb) =>
        eb.and([eb('state', '=', 'waiting'), eb('channel', 'in', channels)]),
      );
      return rows
        .map(mapper.toRecord)
        .sort((a, b) => a.dueAtMs - b.dueAtMs || (a.id < b.id ? -1 : 1));
    },
    begin: (id, owner, leaseExpiresAtMs) =>
      // As a transaction it is on the disk before the mail leaves, so that a power cut cannot hide
      // that it may have left.
      database.transaction(
        async (tx) => (await tx.run(begin, { id, owner, leaseExpiresAt: leaseExpiresAtMs })) > 0,
      ),
    async finish(id, owner, outcome) {
      const rows = await database.query((db) =>
        db
          .updateTable('outbox')
          .set(toOutcomeColumns(outcome))
          .where('id', '=', id)
          .where('lease_owner', '=', owner)
          // Whoever was given up for dead still knows best.
          .where('state', 'in', ['waiting', 'sending', 'uncertain'])
          .returning('id'),
      );
      return rows.length > 0;
    },
    async release(owner) {
      await database.run(release, { owner });
    },
    listOwners: async () =>
      (await database.all(listOwners, {})).flatMap(({ lease_owner: owner }) => owner ?? []),
    takeOver: (nowMs, deadOwners) => takeOver(database, nowMs, deadOwners),
    list: (filter = {}) => list(database, filter),
    async count(filter = {}) {
      const [row] = await database.query((db) =>
        selectMatching(db, filter).select((eb) => eb.fn.countAll<number>().as('count')),
      );
      return row?.count ?? 0;
    },
    countByState: async () => (await database.all(countByState, {})).map((row) => ({ ...row })),
    resend: async (id, atMs) => (await database.run(resend, { id, at: atMs })) > 0,
    cancelByInvitation: (invitationId, atMs, detail) =>
      database.run(cancel, { invitationId, at: atMs, detail }),
    nextDueMs: async () => (await database.first(nextDue, {}))?.due_at ?? undefined,
    async contactOf({ id }) {
      const row = await database.first(contactOf, { id });
      return {
        connectionId: id,
        firstToldAtMs: row?.first_told ?? undefined,
        lastToldAtMs: row?.last_told ?? undefined,
        reminders: row?.reminders ?? 0,
        openedAtMs: row?.opened ?? undefined,
      };
    },
  };
}

async function takeOver(
  database: Database,
  nowMs: number,
  deadOwners: readonly string[],
): Promise<number> {
  const abandoned = (
    state: 'waiting' | 'sending',
    channel: 'mail' | undefined,
    changes: Updateable<OutboxRow>,
  ) =>
    database.query((db) => {
      let query = db
        .updateTable('outbox')
        .set(changes)
        .where('state', '=', state)
        .where('lease_owner', 'is not', null)
        .where(({ or, eb }) =>
          or([
            eb('lease_expires_at', '<=', nowMs),
            ...(deadOwners.length > 0 ? [eb('lease_owner', 'in', deadOwners)] : []),
          ]),
        );
      if (channel !== undefined) query = query.where('channel', '=', channel);
      return query.returning('id');
    });
  await abandoned('waiting', undefined, free);
  const uncertain = await abandoned('sending', 'mail', {
    state: 'uncertain',
    ended_at: nowMs,
    detail: 'sending was interrupted; the mail server may or may not have accepted it',
  });
  await abandoned('sending', undefined, { ...free, state: 'waiting', due_at: nowMs });
  return uncertain.length;
}

async function* list(database: Database, filter: OutboxFilter): AsyncGenerator<OutboxEntry> {
  if (filter.states?.length === 0 || filter.kinds?.length === 0) return;
  const rows = readPages(
    ({ after, limit }) =>
      database.query((db) => {
        let query = selectMatching(db, filter).selectAll();
        if (after) {
          query = query.where(({ or, and, eb }) =>
            or([
              eb('created_at', '>', after.created_at),
              and([eb('created_at', '=', after.created_at), eb('id', '>', after.id)]),
            ]),
          );
        }
        return query.orderBy('created_at').orderBy('id').limit(limit);
      }),
    (row: OutboxRow) => row,
  );
  for await (const row of rows) yield mapper.toRecord(row);
}

function selectMatching(db: Kysely<Schema>, filter: OutboxFilter) {
  let query = db.selectFrom('outbox');
  if (filter.states) query = query.where('state', 'in', filter.states);
  if (filter.kinds) query = query.where('kind', 'in', filter.kinds);
  if (filter.connectionId !== undefined) {
    query = query.where('connection_id', '=', filter.connectionId);
  }
  if (filter.invitationId !== undefined) {
    query = query.where('invitation_id', '=', filter.invitationId);
  }
  if (filter.sinceMs !== undefined) query = query.where('created_at', '>=', filter.sinceMs);
  return query;
}

function toNewRow(message: NewMessage): Parameters {
  const { onceKey, ...fields } = message;
  const state = message.state ?? 'waiting';
  const entry = {
    ...fields,
    state,
    attempts: 0,
    endedAtMs: state === 'sent' ? message.createdAtMs : undefined,
    leaseOwner: undefined,
    leaseExpiresAtMs: undefined,
    detail: undefined,
  };
  return { ...mapper.toRow(entry), once_key: onceKey };
}

function toOutcomeColumns(outcome: SendOutcome): Updateable<OutboxRow> {
  // Mail servers repeat what they refuse, and that may be the link.
  const detail = outcome.detail === undefined ? null : scrub(outcome.detail).slice(0, detailLength);
  return outcome.state === 'waiting'
    ? { ...free, state: 'waiting', due_at: outcome.dueAtMs, detail }
    : { ...free, state: outcome.state, ended_at: outcome.atMs, detail };
}
