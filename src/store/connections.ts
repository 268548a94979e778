import type { ExpressionBuilder, Updateable } from 'kysely';
import { ConnectionChangedError } from '../errors/connection-changed-error.ts';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import {
  parseConnection,
  type At,
  type Connection,
  type ConnectionChange,
  type ConnectionColumns,
  type KeyState,
  type NewConnection,
  type Way,
} from '../model/connection.ts';
import type { Labels } from '../model/labels.ts';
import type { AttentionReason, Stage } from '../model/stages.ts';
import { createRowMapper, parametersFor, type ColumnsOf } from './columns.ts';
import type { Database } from './database.ts';
import { readPages, type PageRequest } from './paging.ts';
import type { ConnectionRow, Schema } from './schema.ts';
import { statement, type ParameterOf } from './statement.ts';

export interface ConnectionFilter {
  readonly stages?: readonly Stage[];
  readonly customerId?: string;
  readonly accountId?: string;
  /** Bears every one of these labels. */
  readonly labels?: Labels;
  /** Was invited in this wave. */
  readonly wave?: string;
  /** Starts behind this customer: where an earlier page ended. */
  readonly afterCustomerId?: string;
}

export interface StageCount {
  readonly stage: Stage;
  readonly attentionReason: AttentionReason | undefined;
  readonly route: ConnectionColumns['route'];
  readonly count: number;
}

/** Customers' links to accounts: what is known of them, never a secret. */
export interface ConnectionStore {
  /**
   * Inserts at version 1. The returned connection has no key, as long as none is put. Throws
   * `stage_conflict` when the customer already has a connection.
   */
  insert(connection: NewConnection): Promise<Connection>;
  findById(id: string): Promise<Connection | undefined>;
  findByCustomer(customerId: string): Promise<Connection | undefined>;
  /**
   * Reads a connection and keeps other writers from it until the transaction ends. What is decided
   * by it still holds when it is written.
   */
  lock(id: string): Promise<Connection | undefined>;
  /** In order of creation. */
  listByAccount(accountId: string): Promise<Connection[]>;
  /** Every match, ordered by the bytes of the customer id, read in pages so that memory stays flat. */
  list(filter?: ConnectionFilter): AsyncIterable<Connection>;
  countByStage(): Promise<StageCount[]>;
  /**
   * Compare-and-set: writes only if the row still has the version of `connection`, and returns
   * the new row. Throws `ConnectionChangedError` (`stage_conflict`) when another writer came first.
   */
  update(connection: Connection, change: ConnectionChange, atMs: number): Promise<Connection>;
}

/** What a connection's key is, the keys' own table says: no two places can differ. */
type Fields = Omit<ConnectionColumns, 'key'>;

type ReadRow = ConnectionRow & { readonly key_state: KeyState };

const columns = {
  id: 'id',
  customerId: 'customer_id',
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
  createdAtMs: 'created_at',
  updatedAtMs: 'updated_at',
  version: 'version',
} as const satisfies ColumnsOf<Fields, ConnectionRow>;

const mapper = createRowMapper<Fields, ConnectionRow, typeof columns>(columns);

type Parameters = { [Column in keyof ConnectionRow]: ConnectionRow[Column] };

function keyState(eb: ExpressionBuilder<Schema, 'connections'>) {
  const ofKey = eb
    .selectFrom('private_keys')
    .select((key) =>
      key
        .case()
        .when('sealed_key', 'is', null)
        .then(key.val<KeyState>('destroyed'))
        // Neither known is a key that was not checked: it serves its own customer alone.
        .when('private_keys.account_id', 'is not distinct from', key.ref('connections.account_id'))
        .then(key.val<KeyState>('held'))
        .else(key.val<KeyState>('foreign'))
        .end()
        .as('key_state'),
    )
    .whereRef('private_keys.connection_id', '=', 'connections.id');
  return eb.fn.coalesce(ofKey, eb.val<KeyState>('none')).as('key_state');
}

const insert = statement((db, p: ParameterOf<Parameters>) =>
  db
    .insertInto('connections')
    .values(parametersFor<ConnectionRow, keyof ConnectionRow>(mapper.columns, p))
    // Not by the error of the unique index, which would abort a transaction on PostgreSQL.
    .onConflict((conflict) => conflict.column('customer_id').doNothing())
    .returningAll()
    .returning(keyState),
);

const findById = statement((db, p: ParameterOf<{ id: string }>) =>
  db.selectFrom('connections').selectAll().select(keyState).where('id', '=', p('id')),
);

/** On SQLite a transaction has every row to itself from its beginning. */
const lockRow = statement((db, p: ParameterOf<{ id: string }>, kind) => {
  const row = db.selectFrom('connections').select('id').where('id', '=', p('id'));
  return kind === 'postgres' ? row.forUpdate() : row;
});

const findByCustomer = statement((db, p: ParameterOf<{ customerId: string }>) =>
  db
    .selectFrom('connections')
    .selectAll()
    .select(keyState)
    .where('customer_id', '=', p('customerId')),
);

const listByAccount = statement((db, p: ParameterOf<{ accountId: string }>) =>
  db
    .selectFrom('connections')
    .selectAll()
    .select(keyState)
    .where('account_id', '=', p('accountId'))
    .orderBy('created_at')
    .orderBy('customer_id'),
);

const countByStage = statement((db) =>
  db
    .selectFrom('connections')
    .select(['stage', 'attention_reason', 'route', (eb) => eb.fn.countAll<number>().as('count')])
    .groupBy(['stage', 'attention_reason', 'route'])
    .orderBy('stage'),
);

/** Keeps connections. */
export function createConnectionStore(database: Database): ConnectionStore {
  const open = (row: ReadRow | undefined) => row && toConnection(row);
  return {
    async insert(connection) {
      const row = await database.first(insert, { ...toNewRow(connection) });
      if (row) return toConnection(row);
      throw new KeyshiftError(
        'stage_conflict',
        `The customer ${JSON.stringify(connection.customerId)} already has a connection.`,
      );
    },
    findById: async (id) => open(await database.first(findById, { id })),
    findByCustomer: async (customerId) =>
      open(await database.first(findByCustomer, { customerId })),
    async lock(id) {
      // First the lock, then the read: it must see the key that was written with the row.
      await database.first(lockRow, { id });
      return open(await database.first(findById, { id }));
    },
    listByAccount: async (accountId) =>
      (await database.all(listByAccount, { accountId })).map(toConnection),
    list: (filter = {}) => list(database, filter),
    countByStage: async () =>
      (await database.all(countByStage, {})).map((row) => ({
        stage: row.stage,
        attentionReason: row.attention_reason ?? undefined,
        route: row.route,
        count: row.count,
      })),
    async update(connection, change, atMs) {
      const [row] = await database.query((db) =>
        db
          .updateTable('connections')
          .set({ ...toChanges(change), updated_at: atMs, version: connection.version + 1 })
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

async function* list(database: Database, filter: ConnectionFilter): AsyncGenerator<Connection> {
  // An empty list matches nothing, and is no valid SQL.
  if (filter.stages?.length === 0) return;
  const rows = readPages(
    (page) => readMatching(database, filter, page),
    (row) => row.customer_id,
    { after: filter.afterCustomerId },
  );
  for await (const row of rows) yield toConnection(row);
}

function readMatching(
  database: Database,
  { stages, customerId, accountId, labels = {}, wave }: ConnectionFilter,
  { after, limit }: PageRequest<string>,
): Promise<ReadRow[]> {
  return database.query((db) => {
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
    return query.orderBy('customer_id').limit(limit);
  });
}

function toNewRow(connection: NewConnection): {
  [Column in keyof ConnectionRow]: ConnectionRow[Column];
} {
  const { route } = connection;
  return mapper.toRow({ ...connection, route, version: 1 });
}

function toChanges({ at, way, ...details }: ConnectionChange): Updateable<ConnectionRow> {
  return mapper.toChanges({ ...details, ...(at && flattenAt(at)), ...(way && flattenWay(way)) });
}

function flattenAt({ stage, attentionReason, attentionFrom }: At) {
  return { stage, attentionReason, attentionFrom };
}

function flattenWay({ route, liveSinceMs, canaryPercent, watchedSinceMs }: Way) {
  // Where there is no key to go by, the key's absence says that there is no way.
  const stored = route === 'none' ? 'key' : route;
  return { route: stored, liveSinceMs, canaryPercent, watchedSinceMs } as const;
}

function toConnection(row: ReadRow): Connection {
  return parseConnection({ ...mapper.toRecord(row), key: row.key_state });
}
