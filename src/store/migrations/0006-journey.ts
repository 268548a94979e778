import type { CreateTableBuilder, Kysely } from 'kysely';
import type { Schema } from '../schema.ts';

/** What the journey remembers of a connection: checks, foreign consents, retirement, metrics. */
export async function up(db: Kysely<Schema>): Promise<void> {
  await db.schema.alterTable('connections').addColumn('watched_since', 'bigint').execute();
  await ofConnection(db.schema.createTable('verification_checks'))
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('verdict', 'text', (column) => column.notNull())
    .addColumn('reason', 'text')
    .addColumn('detail', 'text', (column) => column.notNull())
    .addColumn('checked_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('verification_checks_key', ['connection_id', 'name'])
    .execute();
  await ofConnection(db.schema.createTable('foreign_consents'))
    .addColumn('grant_id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('account_id', 'text', (column) => column.notNull())
    .addColumn('account_name', 'text')
    .addColumn('consented_at', 'bigint', (column) => column.notNull())
    .addColumn('settled_at', 'bigint')
    .execute();
  await db.schema
    .createIndex('foreign_consents_by_connection_id')
    .on('foreign_consents')
    .column('connection_id')
    .execute();
  await db.schema
    .createTable('retirements')
    .addColumn('connection_id', 'text', (column) =>
      column.primaryKey().notNull().references('connections.id').onDelete('cascade'),
    )
    .addColumn('quiet_at', 'bigint', (column) => column.notNull())
    .addColumn('proof', 'text')
    .addColumn('detail', 'text')
    .addColumn('proved_at', 'bigint')
    .addColumn('retired_at', 'bigint')
    .execute();
  await ofConnection(db.schema.createTable('metric_snapshots'))
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('taken_at', 'bigint', (column) => column.notNull())
    .addColumn('content', 'text', (column) => column.notNull())
    .execute();
  await db.schema
    .createIndex('metric_snapshots_by_connection_id_taken_at')
    .on('metric_snapshots')
    .columns(['connection_id', 'taken_at'])
    .execute();
  await db.schema
    .createTable('metric_comparisons')
    .addColumn('connection_id', 'text', (column) =>
      column.primaryKey().notNull().references('connections.id').onDelete('cascade'),
    )
    .addColumn('compared_at', 'bigint', (column) => column.notNull())
    .addColumn('verdict', 'text', (column) => column.notNull())
    .addColumn('content', 'text', (column) => column.notNull())
    .execute();
}

function ofConnection(table: CreateTableBuilder<string>) {
  return table.addColumn('connection_id', 'text', (column) =>
    column.notNull().references('connections.id').onDelete('cascade'),
  );
}
