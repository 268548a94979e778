import { sql, type Updateable } from 'kysely';
import { ConnectionChangedError } from '../errors/connection-changed-error.ts';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { Database } from './database.ts';
import type { ParameterOf } from './prepared-statement.ts';
import {
  parseConnection,
  type At,
  type Connection,
  type ConnectionChange,
  type ConnectionDetails,
  type KeyState,
  type NewConnection,
  type Way,
} from '../model/connection.ts';
import type { ConnectionRow } from './schema.ts';
import type { ConnectionFilter, ConnectionStore } from './store.ts';

const pageSize = 200;

/**
 * Whether a connection has a key is what the keys' own table says: one place knows it, and no two
 * can differ.
 */
const keyState = sql<KeyState>`coalesce(
  (select case when sealed_key is null then 'destroyed' else 'held' end
    from private_keys where private_keys.connection_id = connections.id), 'none')`.as('key_state');

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
      .returningAll()
      .returning(keyState),
  );
  const findById = database.prepare((db, p: ParameterOf<{ id: string }>) =>
    db.selectFrom('connections').selectAll().select(keyState).where('id', '=', p('id')),
  );
  const findByCustomer = database.prepare((db, p: ParameterOf<{ customerId: string }>) =>
    db
      .selectFrom('connections')
      .selectAll()
      .select(keyState)
      .where('customer_id', '=', p('customerId')),
  );
  const listByAccount = database.prepare((db, p: ParameterOf<{ accountId: string }>) =>
    db
      .selectFrom('connections')
      .selectAll()
      .select(keyState)
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
    async update(connection, change, atMs) {
      const [row] = await database.query((db) =>
        db
          .updateTable('connections')
          .set({ ...toColumns(change), updated_at: atMs, version: connection.version + 1 })
          .where('id', '=', connection.id)
          .where('version', '=', connection.version)
          .returningAll()
          .returning(keyState),
      );
      if (row) return toConnection(row);
      throw new ConnectionChangedError(connection.customerId);
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
      let query = db.selectFrom('connections').selectAll().select(keyState);
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

/** Where each detail is kept. */
const detailColumns = {
  accountId: 'account_id',
  accountName: 'account_name',
  email: 'email',
  name: 'name',
  shadowPercent: 'shadow_percent',
} as const satisfies Record<keyof ConnectionDetails, keyof ConnectionRow>;

function toColumns({ at, way, ...details }: ConnectionChange): Updateable<ConnectionRow> {
  const columns = Object.entries(detailColumns)
    .filter(([field]) => Object.hasOwn(details, field))
    .map(([field, column]) => [column, details[field as keyof ConnectionDetails] ?? null] as const);
  return {
    ...Object.fromEntries(columns),
    ...(at && atColumns(at)),
    ...(way && wayColumns(way)),
  };
}

function atColumns({ stage, attentionReason, attentionFrom }: At) {
  return {
    stage,
    attention_reason: attentionReason ?? null,
    attention_from: attentionFrom ?? null,
  };
}

function wayColumns({ route, liveSinceMs, canaryPercent, watchedSinceMs }: Way) {
  return {
    // Where there is no key to go by, the key's absence says that there is no way.
    route: route === 'none' ? 'key' : route,
    live_since: liveSinceMs ?? null,
    canary_percent: canaryPercent ?? null,
    watched_since: watchedSinceMs ?? null,
  } as const;
}

function toParameters(connection: NewConnection): InsertParameters {
  return {
    id: connection.id,
    customer_id: connection.customerId,
    account_id: connection.accountId ?? null,
    account_name: connection.accountName ?? null,
    email: connection.email ?? null,
    name: connection.name ?? null,
    ...atColumns(connection),
    ...wayColumns(connection),
    shadow_percent: connection.shadowPercent ?? null,
    created_at: connection.createdAtMs,
    updated_at: connection.updatedAtMs,
  };
}

function toConnection(row: ConnectionRow & { readonly key_state: KeyState }): Connection {
  return parseConnection({
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
    key: row.key_state,
    createdAtMs: row.created_at,
    updatedAtMs: row.updated_at,
    version: row.version,
  });
}
