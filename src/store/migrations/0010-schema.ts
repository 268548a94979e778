import { sql, type CreateTableBuilder, type Kysely } from 'kysely';
import type { AuditChain } from '../audit-chain.ts';
import type { Schema } from '../schema.ts';
import type { MigrationTarget } from './migration-target.ts';

/** What the first row of the audit log needs besides the database. */
export interface ChainContext {
  readonly chain: AuditChain;
  readonly nowMs: number;
}

/** Creates every table, in a database that has none of them. */
export async function create(target: MigrationTarget): Promise<void> {
  await createConnections(target);
  await createGrants(target.db);
  await createConsent(target.db);
  await createOutreach(target.db);
  await createJourney(target.db);
  await createTraffic(target.db);
  await createAudit(target);
  await target.db.schema
    .createTable('vault_state')
    .addColumn('name', 'text', (column) => column.primaryKey().notNull())
    .addColumn('sealed_value', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute();
}

async function createConnections({ db, kind }: MigrationTarget): Promise<void> {
  // Pages of a list go on after a customer id: both databases must order ids alike, by bytes.
  const orderedText = kind === 'postgres' ? sql`text collate "C"` : sql`text`;
  await db.schema
    .createTable('connections')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('customer_id', orderedText, (column) => column.notNull().unique())
    .addColumn('account_id', 'text')
    .addColumn('account_name', 'text')
    .addColumn('email', 'text')
    .addColumn('name', 'text')
    .addColumn('stage', 'text', (column) => column.notNull())
    .addColumn('attention_reason', 'text')
    .addColumn('attention_from', 'text')
    .addColumn('route', 'text', (column) => column.notNull())
    .addColumn('live_since', 'bigint')
    .addColumn('canary_percent', 'bigint')
    .addColumn('shadow_percent', 'bigint')
    .addColumn('watched_since', 'bigint')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addColumn('version', 'bigint', (column) => column.notNull())
    .execute();
  await createIndex(db, 'connections', ['account_id']);
  await createIndex(db, 'connections', ['stage', 'customer_id']);

  await oneOfConnection(db.schema.createTable('private_keys'))
    .addColumn('sealed_key', 'text')
    .addColumn('blind_index', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('last_used_at', 'bigint')
    .addColumn('destroyed_at', 'bigint')
    .execute();
  await createIndex(db, 'private_keys', ['blind_index']);

  await manyOfConnection(db.schema.createTable('connection_labels'))
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('value', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('connection_labels_key', ['connection_id', 'name'])
    .execute();
  await createIndex(db, 'connection_labels', ['name', 'value', 'connection_id']);
}

async function createGrants(db: Kysely<Schema>): Promise<void> {
  await db.schema
    .createTable('grants')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('client_id', 'text', (column) => column.notNull())
    .addColumn('account_id', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('access_token', 'text', (column) => column.notNull())
    .addColumn('refresh_token', 'text', (column) => column.notNull())
    .addColumn('refresh_index', 'text', (column) => column.notNull())
    .addColumn('previous_refresh_token', 'text')
    .addColumn('previous_refresh_index', 'text')
    .addColumn('scope', 'text', (column) => column.notNull())
    .addColumn('expires_at', 'bigint')
    .addColumn('obtained_at', 'bigint', (column) => column.notNull())
    .addColumn('consented_at', 'bigint', (column) => column.notNull())
    .addColumn('generation', 'bigint', (column) => column.notNull())
    .addColumn('lease_owner', 'text')
    .addColumn('lease_expires_at', 'bigint')
    .addColumn('due_at', 'bigint')
    .addColumn('failed_at', 'bigint')
    .addColumn('failure_code', 'text')
    .addColumn('failure_message', 'text')
    .addColumn('failure_count', 'bigint')
    .addColumn('retry_at', 'bigint')
    .execute();
  await db.schema
    .createIndex('grants_one_per_client_and_account')
    .unique()
    .on('grants')
    .columns(['client_id', 'account_id'])
    .where(sql.ref('state'), '<>', sql.lit('set_aside'))
    .execute();
  await createIndex(db, 'grants', ['client_id', 'refresh_index']);
  await createIndex(db, 'grants', ['client_id', 'previous_refresh_index']);
  await createIndex(db, 'grants', ['client_id', 'state', 'due_at']);

  await db.schema
    .createTable('sweep_turns')
    .addColumn('client_id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('ends_at', 'bigint', (column) => column.notNull())
    .execute();
}

async function createConsent(db: Kysely<Schema>): Promise<void> {
  await db.schema
    .createTable('authorizations')
    .addColumn('state_hash', 'text', (column) => column.primaryKey().notNull())
    .addColumn('invitation_id', 'text')
    .addColumn('customer_id', 'text')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .addColumn('consumed_at', 'bigint')
    .addColumn('result', 'text')
    .execute();
  await createIndex(db, 'authorizations', ['expires_at']);

  await manyOfConnection(db.schema.createTable('invitations'))
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('token_hash', 'text', (column) => column.notNull().unique())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .addColumn('opened_at', 'bigint')
    .addColumn('consumed_at', 'bigint')
    .addColumn('revoked_at', 'bigint')
    .addColumn('wave', 'text')
    .execute();
  await createIndex(db, 'invitations', ['connection_id']);
  await createIndex(db, 'invitations', ['wave', 'connection_id']);
}

async function createOutreach(db: Kysely<Schema>): Promise<void> {
  await manyOfConnection(db.schema.createTable('outbox'))
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('once_key', 'text', (column) => column.notNull().unique())
    .addColumn('invitation_id', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('channel', 'text', (column) => column.notNull())
    .addColumn('recipient', 'text')
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('attempts', 'bigint', (column) => column.notNull())
    .addColumn('due_at', 'bigint', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('ended_at', 'bigint')
    .addColumn('lease_owner', 'text')
    .addColumn('lease_expires_at', 'bigint')
    .addColumn('detail', 'text')
    .execute();
  await createIndex(db, 'outbox', ['state', 'due_at']);
  await createIndex(db, 'outbox', ['connection_id', 'created_at']);
  await createIndex(db, 'outbox', ['invitation_id', 'kind']);

  await db.schema
    .createTable('opt_outs')
    .addColumn('address', 'text', (column) => column.primaryKey().notNull())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('source', 'text', (column) => column.notNull())
    .execute();
}

/** What the journey remembers of a connection: checks, foreign consents, retirement, metrics. */
async function createJourney(db: Kysely<Schema>): Promise<void> {
  await manyOfConnection(db.schema.createTable('verification_checks'))
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('verdict', 'text', (column) => column.notNull())
    .addColumn('reason', 'text')
    .addColumn('detail', 'text', (column) => column.notNull())
    .addColumn('checked_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('verification_checks_key', ['connection_id', 'name'])
    .execute();

  await manyOfConnection(db.schema.createTable('foreign_consents'))
    .addColumn('grant_id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('account_id', 'text', (column) => column.notNull())
    .addColumn('account_name', 'text')
    .addColumn('consented_at', 'bigint', (column) => column.notNull())
    .addColumn('settled_at', 'bigint')
    .execute();
  await createIndex(db, 'foreign_consents', ['connection_id']);

  await oneOfConnection(db.schema.createTable('retirements'))
    .addColumn('quiet_at', 'bigint', (column) => column.notNull())
    .addColumn('proof', 'text')
    .addColumn('detail', 'text')
    .addColumn('proved_at', 'bigint')
    .addColumn('retired_at', 'bigint')
    .execute();

  await manyOfConnection(db.schema.createTable('metric_snapshots'))
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('taken_at', 'bigint', (column) => column.notNull())
    .addColumn('content', 'text', (column) => column.notNull())
    .execute();
  await createIndex(db, 'metric_snapshots', ['connection_id', 'taken_at']);

  await oneOfConnection(db.schema.createTable('metric_comparisons'))
    .addColumn('compared_at', 'bigint', (column) => column.notNull())
    .addColumn('verdict', 'text', (column) => column.notNull())
    .addColumn('content', 'text', (column) => column.notNull())
    .execute();
}

/**
 * What the proxy counts and obeys. No foreign keys: an empty connection id stands for all
 * connections, or for none that is known.
 */
async function createTraffic(db: Kysely<Schema>): Promise<void> {
  await db.schema
    .createTable('traffic')
    .addColumn('connection_id', 'text', (column) => column.notNull())
    .addColumn('bucket_start', 'bigint', (column) => column.notNull())
    .addColumn('route', 'text', (column) => column.notNull())
    .addColumn('operation', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('calls', 'bigint', (column) => column.notNull())
    .addColumn('total_ms', 'bigint', (column) => column.notNull())
    .addColumn('last_error', 'text')
    .addColumn('last_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('traffic_key', [
      'connection_id',
      'bucket_start',
      'route',
      'operation',
      'status',
    ])
    .execute();
  await createIndex(db, 'traffic', ['bucket_start']);

  await db.schema
    .createTable('switches')
    .addColumn('name', 'text', (column) => column.primaryKey().notNull())
    .addColumn('value', 'text', (column) => column.notNull())
    .addColumn('changed_at', 'bigint', (column) => column.notNull())
    .addColumn('actor', 'text', (column) => column.notNull())
    .execute();

  await db.schema
    .createTable('route_exceptions')
    .addColumn('connection_id', 'text', (column) => column.notNull())
    .addColumn('operation', 'text', (column) => column.notNull())
    .addColumn('route', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('actor', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('route_exceptions_key', ['connection_id', 'operation'])
    .execute();

  await db.schema
    .createTable('key_sightings')
    .addColumn('connection_id', 'text', (column) => column.notNull())
    .addColumn('source', 'text', (column) => column.notNull())
    .addColumn('user_agent', 'text', (column) => column.notNull())
    .addColumn('operation', 'text', (column) => column.notNull())
    .addColumn('calls', 'bigint', (column) => column.notNull())
    .addColumn('first_seen_at', 'bigint', (column) => column.notNull())
    .addColumn('last_seen_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('key_sightings_key', [
      'connection_id',
      'source',
      'user_agent',
      'operation',
    ])
    .execute();

  await db.schema
    .createTable('shadow_results')
    .addColumn('connection_id', 'text', (column) => column.notNull())
    .addColumn('operation', 'text', (column) => column.notNull())
    .addColumn('compared', 'bigint', (column) => column.notNull())
    .addColumn('different', 'bigint', (column) => column.notNull())
    .addColumn('last_compared_at', 'bigint', (column) => column.notNull())
    .addColumn('last_different_at', 'bigint')
    .addColumn('last_difference', 'text')
    .addPrimaryKeyConstraint('shadow_results_key', ['connection_id', 'operation'])
    .execute();
}

async function createAudit(target: MigrationTarget): Promise<void> {
  const { db } = target;
  await db.schema
    .createTable('audit_events')
    .addColumn('seq', target.kind === 'sqlite' ? 'integer' : 'bigint', (column) =>
      column.primaryKey(),
    )
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('actor', 'text', (column) => column.notNull())
    .addColumn('action', 'text', (column) => column.notNull())
    // No foreign key: the log outlives what it is about.
    .addColumn('connection_id', 'text')
    .addColumn('from_stage', 'text')
    .addColumn('to_stage', 'text')
    .addColumn('reason', 'text')
    .addColumn('prev_hash', 'text')
    .addColumn('hash', 'text')
    .execute();
  await createIndex(db, 'audit_events', ['connection_id', 'seq']);
  await db.schema
    .createTable('audit_head')
    .addColumn('name', 'text', (column) => column.primaryKey().notNull())
    .addColumn('seq', 'bigint', (column) => column.notNull())
    .addColumn('hash', 'text', (column) => column.notNull())
    .addColumn('began_at', 'bigint', (column) => column.notNull())
    .addColumn('earlier_events', 'bigint', (column) => column.notNull())
    .addColumn('seal', 'text', (column) => column.notNull())
    .execute();
  await guardAudit(target);
}

/** Writes the head that the first entry of the log links to. */
export async function beginAudit(
  db: Kysely<Schema>,
  { chain, nowMs }: ChainContext,
): Promise<void> {
  const beginning = { began_at: nowMs, earlier_events: 0 };
  const head = { seq: 0, hash: chain.genesis(beginning), ...beginning };
  await db
    .insertInto('audit_head')
    .values({ name: 'head', ...head, seal: chain.seal(head) })
    .execute();
}

const refusal = 'the audit log is append only';

/** Has the database refuse every change of an entry. */
export async function guardAudit({ db, kind, table }: MigrationTarget): Promise<void> {
  const events = table('audit_events');
  if (kind === 'sqlite') {
    for (const change of ['update', 'delete']) {
      await sql`
        create trigger ${sql.ref(`audit_events_refuse_${change}`)}
        before ${sql.raw(change)} on ${events}
        begin select raise(abort, ${sql.lit(refusal)}); end
      `.execute(db);
    }
    return;
  }
  const refuse = table('audit_events_refuse_change');
  await sql`
    create function ${refuse}() returns trigger language plpgsql as
    ${sql.lit(`begin raise exception '${refusal}'; end`)}
  `.execute(db);
  await sql`
    create trigger audit_events_refuse_change before update or delete or truncate
    on ${events} for each statement execute function ${refuse}()
  `.execute(db);
}

function oneOfConnection(table: CreateTableBuilder<string>) {
  return table.addColumn('connection_id', 'text', (column) =>
    column.primaryKey().notNull().references('connections.id').onDelete('cascade'),
  );
}

function manyOfConnection(table: CreateTableBuilder<string>) {
  return table.addColumn('connection_id', 'text', (column) =>
    column.notNull().references('connections.id').onDelete('cascade'),
  );
}

/** Creates an index over columns of a table, named after both. */
async function createIndex(
  db: Kysely<Schema>,
  table: keyof Schema,
  columns: readonly string[],
): Promise<void> {
  await db.schema
    .createIndex(`${table}_by_${columns.join('_')}`)
    .on(table)
    .columns(columns.map((column) => sql.ref(column)))
    .execute();
}
