import type { Kysely } from 'kysely';
import type { Schema } from '../schema.ts';
import { createIndex } from './create-index.ts';

/** Adds labels by which customers are grouped, the outbox of messages to them, and opt-outs. */
export async function up(db: Kysely<Schema>): Promise<void> {
  await db.schema
    .createTable('connection_labels')
    .addColumn('connection_id', 'text', (column) =>
      column.notNull().references('connections.id').onDelete('cascade'),
    )
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('value', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('connection_labels_key', ['connection_id', 'name'])
    .execute();
  await createIndex(db, 'connection_labels', ['name', 'value', 'connection_id']);

  await db.schema.alterTable('invitations').addColumn('wave', 'text').execute();
  await createIndex(db, 'invitations', ['wave', 'connection_id']);

  await db.schema
    .createTable('outbox')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('once_key', 'text', (column) => column.notNull().unique())
    .addColumn('connection_id', 'text', (column) =>
      column.notNull().references('connections.id').onDelete('cascade'),
    )
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
