import type { Updateable } from 'kysely';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { Database } from './database.ts';
import type { ParameterOf } from './prepared-statement.ts';
import type { Connection, ConnectionPatch } from '../model/connection.ts';
import type { ConnectionRow } from './schema.ts';
import type { ConnectionFilter, ConnectionStore } from './store.ts';

const pageSize = 200;

/** Where each field that may change is kept. */
const patchColumns = {
  accountId: 'account_id',
  accountName: 'account_name',
  email: 'email',
  name: 'name',
  stage: 'stage',
  attentionReason: 'attention_reason',
  attentionFrom: 'attention_from',
  route: 'route',
  liveSinceMs: 'live_since',
  canaryPercent: 'canary_percent',
  shadowPercent: 'shadow_percent',
  watchedSinceMs: 'watched_since',
} as const satisfies Record<keyof ConnectionPatch, keyof ConnectionRow>;

/** Keeps connections. */
export function createConnectionStore(database: Database): ConnectionStore {
  const insert = database.prepare((db, p: ParameterOf<InsertParameters>) =>
    db
      .insertInto('connections')
      .values({
        id: p('id'),
        customer_id: p('customer_id'),
        account_id: p('account_id'),
        account_name: p('account_name'),
        email: p('email'),
        name: p('name'),
        stage: p('stage'),
        attention_reason: p('attention_reason'),
        attention_from: p('attention_from'),
        route: p('route'),
        live_since: p('live_since'),
        canary_percent: p('canary_percent'),
        shadow_percent: p('shadow_percent'),
        watched_since: p('watched_since'),
        created_at: p('created_at'),
        updated_at: p('updated_at'),
        version: 1,
      })
      // Not by the error of the unique index, which would abort a transaction on PostgreSQL.
      .onConflict((conflict) => conflict.column('customer_id').doNothing())
      .returningAll(),
  );
  const findById = database.prepare((db, p: ParameterOf<{ id: string }>) =>
    db.selectFrom('connections').selectAll().where('id', '=', p('id')),
  );
  const findByCustomer = database.prepare((db, p: ParameterOf<{ customerId: string }>) =>
    db.selectFrom('connections').selectAll().where('customer_id', '=', p('customerId')),
  );
  const listByAccount = database.prepare((db, p: ParameterOf<{ accountId: string }>) =>
    db
      .selectFrom('connections')
      .selectAll()
      .where('account_id', '=', p('accountId'))
      .orderBy('created_at')
      .orderBy('customer_id'),
  );
  const countByStage = database.prepare((db) =>
    db
      .selectFrom('connections')
      .select(['stage', 'attention_reason', 'route', (eb) => eb.fn.countAll<number>().as('count')])
      .groupBy(['stage', 'attention_reason', 'route'])
      .orderBy('stage'),
  );

  return {
    async insert(connection) {
      const row = await insert.first(toParameters(connection));
      if (row) return toConnection(row);
      throw new KeyshiftError(
        'stage_conflict',
        `The customer ${JSON.stringify(connection.customerId)} already has a connection.`,
      );
    },
    async findById(id) {
      const row = await findById.first({ id });
      return row && toConnection(row);
    },
    async findByCustomer(customerId) {
      const row = await findByCustomer.first({ customerId });
      return row && toConnection(row);
    },
    listByAccount: async (accountId) => (await listByAccount.all({ accountId })).map(toConnection),
    list: (filter = {}) => listPages(database, filter),
    countByStage: async () =>
      (await countByStage.all({})).map((row) => ({
        stage: row.stage,
        attentionReason: row.attention_reason ?? undefined,
        route: row.route,
        count: row.count,
      })),
    async update(connection, patch, atMs) {
      const [row] = await database.query((db) =>
        db
          .updateTable('connections')
          .set({ ...toColumns(patch), updated_at: atMs, version: connection.version + 1 })
          .where('id', '=', connection.id)
          .where('version', '=', connection.version)
          .returningAll(),
      );
      if (row) return toConnection(row);
      throw new KeyshiftError(
        'stage_conflict',
        `The connection of customer ${JSON.stringify(connection.customerId)} was changed by someone else in the meantime.`,
        { fix: 'Read the connection again and repeat the change.' },
      );
    },
  };
}

type InsertParameters = Omit<ConnectionRow, 'version'> & Record<string, string | number | null>;

async function* listPages(
  database: Database,
  { stages, customerId, accountId, labels = {}, wave, afterCustomerId }: ConnectionFilter,
): AsyncGenerator<Connection> {
  // An empty list matches nothing, and is no valid SQL.
  if (stages?.length === 0) return;
  let after = afterCustomerId;
  for (;;) {
    const rows = await database.query((db) => {
      let query = db.selectFrom('connections').selectAll();
      if (stages) query = query.where('stage', 'in', stages);
      if (customerId !== undefined) query = query.where('customer_id', '=', customerId);
      if (accountId !== undefined) query = query.where('account_id', '=', accountId);
      for (const [name, value] of Object.entries(labels)) {
        query = query.where('id', 'in', (eb) =>
          eb
            .selectFrom('connection_labels')
            .select('connection_id')
            .where('name', '=', name)
            .where('value', '=', value),
        );
      }
      if (wave !== undefined) {
        query = query.where('id', 'in', (eb) =>
          eb.selectFrom('invitations').select('connection_id').where('wave', '=', wave),
        );
      }
      if (after !== undefined) query = query.where('customer_id', '>', after);
      return query.orderBy('customer_id').limit(pageSize);
    });
    yield* rows.map(toConnection);
    after = rows.at(-1)?.customer_id;
    if (rows.length < pageSize) return;
  }
}

function toColumns(patch: ConnectionPatch): Updateable<ConnectionRow> {
  return Object.fromEntries(
    Object.entries(patchColumns)
      .filter(([field]) => Object.hasOwn(patch, field))
      .map(([field, column]) => [column, patch[field as keyof ConnectionPatch] ?? null]),
  );
}

function toParameters(connection: Omit<Connection, 'version'>): InsertParameters {
  return {
    id: connection.id,
    customer_id: connection.customerId,
    account_id: connection.accountId ?? null,
    account_name: connection.accountName ?? null,
    email: connection.email ?? null,
    name: connection.name ?? null,
    stage: connection.stage,
    attention_reason: connection.attentionReason ?? null,
    attention_from: connection.attentionFrom ?? null,
    route: connection.route,
    live_since: connection.liveSinceMs ?? null,
    canary_percent: connection.canaryPercent ?? null,
    shadow_percent: connection.shadowPercent ?? null,
    watched_since: connection.watchedSinceMs ?? null,
    created_at: connection.createdAtMs,
    updated_at: connection.updatedAtMs,
  };
}

function toConnection(row: ConnectionRow): Connection {
  return {
    id: row.id,
    customerId: row.customer_id,
    accountId: row.account_id ?? undefined,
    accountName: row.account_name ?? undefined,
    email: row.email ?? undefined,
    name: row.name ?? undefined,
    stage: row.stage,
    attentionReason: row.attention_reason ?? undefined,
    attentionFrom: row.attention_from ?? undefined,
    route: row.route,
    liveSinceMs: row.live_since ?? undefined,
    canaryPercent: row.canary_percent ?? undefined,
    shadowPercent: row.shadow_percent ?? undefined,
    watchedSinceMs: row.watched_since ?? undefined,
    createdAtMs: row.created_at,
    updatedAtMs: row.updated_at,
    version: row.version,
  };
}
