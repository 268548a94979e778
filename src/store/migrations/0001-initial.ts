import { sql, type Kysely } from 'kysely';
import type { Schema } from '../schema.ts';
import { createIndex } from './create-index.ts';
import type { DatabaseKind } from '../database-url.ts';

/** Creates every table of the first version. */
export async function up(db: Kysely<Schema>, kind: DatabaseKind): Promise<void> {
  await createConnectionTables(db, kind);
  await createGrants(db);
  await createAuthorizations(db);
  await createAuditEvents(db, kind);
  await db.schema
    .createTable('vault_state')
    .addColumn('name', 'text', (column) => column.primaryKey().notNull())
    .addColumn('sealed_value', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute();
}

async function createConnectionTables(db: Kysely<Schema>, kind: DatabaseKind): Promise<void> {
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
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addColumn('version', 'bigint', (column) => column.notNull())
    .execute();
  await createIndex(db, 'connections', ['account_id']);
  await createIndex(db, 'connections', ['stage', 'customer_id']);

  await db.schema
    .createTable('private_keys')
    .addColumn('connection_id', 'text', (column) =>
      column.primaryKey().notNull().references('connections.id').onDelete('cascade'),
    )
    .addColumn('sealed_key', 'text')
    .addColumn('blind_index', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('last_used_at', 'bigint')
    .addColumn('destroyed_at', 'bigint')
    .execute();
  await createIndex(db, 'private_keys', ['blind_index']);

  await db.schema
    .createTable('invitations')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('connection_id', 'text', (column) =>
      column.notNull().references('connections.id').onDelete('cascade'),
    )
    .addColumn('token_hash', 'text', (column) => column.notNull().unique())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .addColumn('opened_at', 'bigint')
    .addColumn('consumed_at', 'bigint')
    .addColumn('revoked_at', 'bigint')
    .execute();
  await createIndex(db, 'invitations', ['connection_id']);
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
    .addColumn('refresh_intent_at', 'bigint')
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
  await createIndex(db, 'grants', ['state', 'expires_at']);
}

async function createAuthorizations(db: Kysely<Schema>): Promise<void> {
  await db.schema
    .createTable('authorizations')
    .addColumn('state_hash', 'text', (column) => column.primaryKey().notNull())
    .addColumn('nonce_hash', 'text', (column) => column.notNull())
    .addColumn('code_verifier', 'text', (column) => column.notNull())
    .addColumn('redirect_uri', 'text', (column) => column.notNull())
    .addColumn('scope', 'text', (column) => column.notNull())
    .addColumn('invitation_id', 'text')
    .addColumn('customer_id', 'text')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .addColumn('consumed_at', 'bigint')
    .execute();
  await createIndex(db, 'authorizations', ['expires_at']);
}

async function createAuditEvents(db: Kysely<Schema>, kind: DatabaseKind): Promise<void> {
  await db.schema
    .createTable('audit_events')
    .addColumn('seq', kind === 'sqlite' ? 'integer' : 'bigserial', (column) =>
      kind === 'sqlite' ? column.primaryKey().autoIncrement() : column.primaryKey(),
    )
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('actor', 'text', (column) => column.notNull())
    .addColumn('action', 'text', (column) => column.notNull())
    // No foreign key: the log outlives what it is about.
    .addColumn('connection_id', 'text')
    .addColumn('from_stage', 'text')
    .addColumn('to_stage', 'text')
    .addColumn('reason', 'text')
    .execute();
  await createIndex(db, 'audit_events', ['connection_id', 'seq']);
}
