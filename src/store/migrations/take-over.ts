import { sql } from 'kysely';
import { KeyshiftError } from '../../errors/keyshift-error.ts';
import { defaultSchema } from '../database-url.ts';
import type { Schema } from '../schema.ts';
import { guardAudit } from './0010-schema.ts';
import type { MigrationTarget } from './migration-target.ts';

/** What commit dafa1d9 noted in a database when it had created every table. */
export const earlierMigrations = [
  '0001-initial',
  '0002-refresh-leases',
  '0004-traffic',
  '0005-outreach',
  '0006-journey',
  '0007-audit-chain',
  '0008-sweep-turns',
  '0009-unused-index',
];

/** The tables of that commit, with their columns in order of the alphabet. */
const earlierTables = {
  audit_events: 'action actor at connection_id from_stage hash prev_hash reason seq to_stage',
  audit_head: 'began_at earlier_events hash name seal seq',
  authorizations:
    'code_verifier consumed_at created_at customer_id expires_at invitation_id nonce_hash redirect_uri scope state_hash',
  connection_labels: 'connection_id name value',
  connections:
    'account_id account_name attention_from attention_reason canary_percent created_at customer_id email id live_since name route shadow_percent stage updated_at version watched_since',
  foreign_consents: 'account_id account_name connection_id consented_at grant_id settled_at',
  grants:
    'access_token account_id client_id consented_at due_at expires_at failed_at failure_code failure_count failure_message generation id lease_expires_at lease_owner obtained_at previous_refresh_index previous_refresh_token refresh_index refresh_intent_at refresh_token retry_at scope state',
  invitations:
    'connection_id consumed_at created_at expires_at id opened_at revoked_at token_hash wave',
  key_sightings: 'calls connection_id first_seen_at last_seen_at operation source user_agent',
  metric_comparisons: 'compared_at connection_id content verdict',
  metric_snapshots: 'connection_id content id taken_at',
  opt_outs: 'address at source',
  outbox:
    'attempts channel connection_id created_at detail due_at ended_at id invitation_id kind lease_expires_at lease_owner once_key recipient state',
  private_keys: 'blind_index connection_id created_at destroyed_at last_used_at sealed_key',
  retirements: 'connection_id detail proof proved_at quiet_at retired_at',
  route_exceptions: 'actor connection_id created_at operation route',
  shadow_results:
    'compared connection_id different last_compared_at last_difference last_different_at operation',
  sweep_turns: 'client_id ends_at',
  switches: 'actor changed_at name value',
  traffic: 'bucket_start calls connection_id last_at last_error operation route status total_ms',
  vault_state: 'created_at name sealed_value',
  verification_checks: 'checked_at connection_id detail name reason verdict',
} as const satisfies Record<keyof Schema, string>;

/** The tables of commit dafa1d9. */
export interface EarlierTables {
  /** Where they lie, on a database that has schemas. */
  readonly schema: string | undefined;
  /** The table in which its migrations are noted. */
  readonly migrationTable: string;
}

/** Finds the tables of commit dafa1d9, where its own migration table says that it made them. */
export async function findEarlier(
  target: MigrationTarget,
  migrationTable: string,
): Promise<EarlierTables | undefined> {
  for (const schema of await schemasWith(target, migrationTable)) {
    const found = { schema, migrationTable };
    const { rows } = await sql<{ name: string }>`
      select name from ${qualify(found, migrationTable)} order by name
    `.execute(target.db);
    if (rows.length === 0) continue;
    const applied = rows.map(({ name }) => name).join(', ');
    if (applied !== earlierMigrations.join(', ')) {
      throw unknownTables(`${migrationTable} lists ${applied}`);
    }
    for (const [table, columns] of Object.entries(earlierTables)) {
      if ((await readColumns(target, found, table)).join(' ') === columns) continue;
      throw unknownTables(`${table} has other columns`);
    }
    return found;
  }
  return undefined;
}

/**
 * That commit worked in the first schema of the search path that it found. Only the usual schema
 * takes over what lies elsewhere: a second Keyshift in the same database, or a demo, must not.
 */
async function schemasWith(
  { db, kind, schema = '' }: MigrationTarget,
  migrationTable: string,
): Promise<(string | undefined)[]> {
  if (kind === 'sqlite') return [undefined];
  const { rows } = await sql<{ schema: string }>`
    select p.schema from unnest(array[${schema}] || current_schemas(false)::text[])
      with ordinality as p (schema, place)
    join pg_tables t on t.schemaname = p.schema and t.tablename = ${migrationTable}
    where p.schema = ${schema} or ${schema} = ${defaultSchema}
    group by p.schema order by min(p.place)
  `.execute(db);
  return rows.map(({ schema }) => schema);
}

async function readColumns(
  { db, kind }: MigrationTarget,
  { schema }: EarlierTables,
  table: string,
): Promise<string[]> {
  const { rows } = await (
    kind === 'sqlite'
      ? sql<{ name: string }>`select name from pragma_table_info(${table})`
      : sql<{ name: string }>`
          select column_name as name from information_schema.columns
          where table_schema = ${schema} and table_name = ${table}`
  ).execute(db);
  return rows.map(({ name }) => name).sort();
}

function unknownTables(what: string): KeyshiftError<'database_unavailable'> {
  return new KeyshiftError(
    'database_unavailable',
    `The database holds tables of Keyshift that this version cannot take over: ${what}.`,
    { fix: 'Restore a backup, or point DATABASE_URL at another database.' },
  );
}

/**
 * Makes the tables of commit dafa1d9 those of `first`, every row kept: moves them to the schema
 * where ours lie, and leaves the old migration table behind, so that a process of that commit
 * finds a newer version instead of an empty database.
 */
export async function takeOver(
  target: MigrationTarget,
  earlier: EarlierTables,
  first: string,
): Promise<void> {
  const { db } = target;
  if (earlier.schema !== target.schema) await moveTables(target, earlier, first);
  if (target.kind === 'postgres') await alterOnPostgres(target, earlier);
  await sql`drop table if exists ${qualify(earlier, `${earlier.migrationTable}_lock`)}`.execute(db);
  await db.schema.alterTable('grants').dropColumn('refresh_intent_at').execute();
  // Attempts are stored when they come back: what was needed until then travels with the browser.
  for (const column of ['nonce_hash', 'code_verifier', 'redirect_uri', 'scope']) {
    await db.schema.alterTable('authorizations').dropColumn(column).execute();
  }
  await db.schema.alterTable('authorizations').addColumn('result', 'text').execute();
}

/** What belongs to a table moves with it: indexes, constraints, triggers. */
async function moveTables(
  { db, schema = '' }: MigrationTarget,
  earlier: EarlierTables,
  first: string,
): Promise<void> {
  for (const name of Object.keys(earlierTables)) {
    await sql`alter table ${qualify(earlier, name)} set schema ${sql.id(schema)}`.execute(db);
  }
  const signpost = qualify(earlier, earlier.migrationTable);
  await sql`insert into ${signpost} (name, timestamp) values (${first}, '')`.execute(db);
}

async function alterOnPostgres(target: MigrationTarget, earlier: EarlierTables): Promise<void> {
  const { db, table } = target;
  await sql`alter table ${table('audit_events')} alter column seq drop default`.execute(db);
  await sql`drop sequence if exists ${table('audit_events_seq_seq')}`.execute(db);
  await sql`drop function ${qualify(earlier, 'audit_events_refuse_change')} cascade`.execute(db);
  await guardAudit(target);
}

function qualify({ schema }: EarlierTables, name: string) {
  return sql.table(schema === undefined ? name : `${schema}.${name}`);
}
