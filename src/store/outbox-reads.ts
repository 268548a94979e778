import { sql, type Kysely } from 'kysely';
import type { Database } from './database.ts';
import { toOutboxEntry } from './outbox-row.ts';
import type { ContactRecord, OutboxEntry } from '../model/message.ts';
import type { OutboxFilter, OutboxStore } from './outreach.ts';
import type { ParameterOf } from './prepared-statement.ts';
import type { Schema } from './schema.ts';

const pageSize = 200;

type OutboxReads = Pick<
  OutboxStore,
  | 'findById'
  | 'listOwners'
  | 'list'
  | 'count'
  | 'countByState'
  | 'nextDueMs'
  | 'listContacts'
  | 'contactOf'
>;

/** The questions about messages that change nothing. */
export function createOutboxReads(database: Database): OutboxReads {
  const findById = database.prepare((db, p: ParameterOf<{ id: string }>) =>
    db.selectFrom('outbox').selectAll().where('id', '=', p('id')),
  );
  const countByState = database.prepare((db) =>
    db
      .selectFrom('outbox')
      .select(['kind', 'channel', 'state', (eb) => eb.fn.countAll<number>().as('count')])
      .groupBy(['kind', 'channel', 'state'])
      .orderBy('kind')
      .orderBy('channel')
      .orderBy('state'),
  );
  const listOwners = database.prepare((db) =>
    db
      .selectFrom('outbox')
      .select('lease_owner')
      .distinct()
      .where('state', 'in', ['waiting', 'sending'])
      .where('lease_owner', 'is not', null),
  );
  const nextDue = database.prepare((db) =>
    db
      .selectFrom('outbox')
      .select((eb) => eb.fn.min('due_at').as('due_at'))
      .where('state', '=', 'waiting'),
  );
  return {
    async findById(id) {
      const row = await findById.first({ id });
      return row && toOutboxEntry(row);
    },
    listOwners: async () =>
      (await listOwners.all({})).flatMap(({ lease_owner: owner }) => (owner === null ? [] : owner)),
    list: (filter = {}) => listPages(database, filter),
    async count(filter = {}) {
      const [row] = await database.query((db) =>
        selectMatching(db, filter).select((eb) => eb.fn.countAll<number>().as('count')),
      );
      return row?.count ?? 0;
    },
    countByState: async () => (await countByState.all({})).map((row) => ({ ...row })),
    nextDueMs: async () => (await nextDue.first({}))?.due_at ?? undefined,
    listContacts: () => listContacts(database),
    async contactOf({ id }) {
      const [row] = await database.query((db) => selectContacts(db).where('c.id', '=', id));
      return row
        ? toContact(row)
        : {
            connectionId: id,
            firstToldAtMs: undefined,
            lastToldAtMs: undefined,
            reminders: 0,
            openedAtMs: undefined,
          };
    },
  };
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

async function* listPages(database: Database, filter: OutboxFilter): AsyncGenerator<OutboxEntry> {
  if (filter.states?.length === 0 || filter.kinds?.length === 0) return;
  let last: OutboxEntry | undefined;
  for (;;) {
    const after = last;
    const rows = await database.query((db) => {
      let query = selectMatching(db, filter).selectAll();
      if (after) {
        query = query.where(({ or, and, eb }) =>
          or([
            eb('created_at', '>', after.createdAtMs),
            and([eb('created_at', '=', after.createdAtMs), eb('id', '>', after.id)]),
          ]),
        );
      }
      return query.orderBy('created_at').orderBy('id').limit(pageSize);
    });
    const entries = rows.map(toOutboxEntry);
    yield* entries;
    last = entries.at(-1);
    if (entries.length < pageSize) return;
  }
}

async function* listContacts(database: Database): AsyncGenerator<ContactRecord> {
  let after = '';
  for (;;) {
    const last = after;
    const rows = await database.query((db) =>
      selectContacts(db).where('c.id', '>', last).orderBy('c.id').limit(pageSize),
    );
    yield* rows.map(toContact);
    after = rows.at(-1)?.id ?? '';
    if (rows.length < pageSize) return;
  }
}

function selectContacts(db: Kysely<Schema>) {
  return db
    .selectFrom('connections as c')
    .select('c.id')
    .select((eb) => [
      eb
        .selectFrom('outbox as o')
        .select((each) => each.fn.min('o.ended_at').as('at'))
        .whereRef('o.connection_id', '=', 'c.id')
        .where('o.state', '=', sql.lit('sent'))
        .as('first_told'),
      eb
        .selectFrom('outbox as o')
        .select((each) => each.fn.max('o.ended_at').as('at'))
        .whereRef('o.connection_id', '=', 'c.id')
        .where('o.state', '=', sql.lit('sent'))
        .as('last_told'),
      eb
        .selectFrom('outbox as o')
        .select((each) => each.fn.countAll<number>().as('n'))
        .whereRef('o.connection_id', '=', 'c.id')
        .where('o.state', '=', sql.lit('sent'))
        .where('o.kind', '=', sql.lit('reminder'))
        .as('reminders'),
      eb
        .selectFrom('invitations as i')
        .select((each) => each.fn.min('i.opened_at').as('at'))
        .whereRef('i.connection_id', '=', 'c.id')
        .as('opened'),
    ]);
}

function toContact(row: {
  id: string;
  first_told: number | null;
  last_told: number | null;
  reminders: number | null;
  opened: number | null;
}): ContactRecord {
  return {
    connectionId: row.id,
    firstToldAtMs: row.first_told ?? undefined,
    lastToldAtMs: row.last_told ?? undefined,
    reminders: row.reminders ?? 0,
    openedAtMs: row.opened ?? undefined,
  };
}
