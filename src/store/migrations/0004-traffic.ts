import type { Kysely } from 'kysely';
import type { Schema } from '../schema.ts';

/** What the proxy counts and obeys: traffic, switches, route exceptions, sightings, comparisons. */
export async function up(db: Kysely<Schema>): Promise<void> {
  for (const name of ['canary_percent', 'shadow_percent']) {
    await db.schema.alterTable('connections').addColumn(name, 'bigint').execute();
  }
  await createTraffic(db);
  await createPolicies(db);
  await createSightings(db);
}

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
  await db.schema
    .createIndex('traffic_by_bucket_start')
    .on('traffic')
    .column('bucket_start')
    .execute();
}

async function createPolicies(db: Kysely<Schema>): Promise<void> {
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
}

async function createSightings(db: Kysely<Schema>): Promise<void> {
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
