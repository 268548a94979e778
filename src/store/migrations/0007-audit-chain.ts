import { sql, type Kysely } from 'kysely';
import type { AuditChain } from '../audit-chain.ts';
import type { DatabaseKind } from '../database-url.ts';
import type { Schema } from '../schema.ts';

const page = 500;

/** What the migration needs besides the database. */
export interface ChainContext {
  readonly chain: AuditChain;
  readonly nowMs: number;
}

/** Chains the audit log, the rows that are there included, and refuses every later change of it. */
export async function up(
  db: Kysely<Schema>,
  kind: DatabaseKind,
  { chain, nowMs }: ChainContext,
): Promise<void> {
  await db.schema.alterTable('audit_events').addColumn('prev_hash', 'text').execute();
  await db.schema.alterTable('audit_events').addColumn('hash', 'text').execute();
  await db.schema
    .createTable('audit_head')
    .addColumn('name', 'text', (column) => column.primaryKey().notNull())
    .addColumn('seq', 'bigint', (column) => column.notNull())
    .addColumn('hash', 'text', (column) => column.notNull())
    .addColumn('began_at', 'bigint', (column) => column.notNull())
    .addColumn('earlier_events', 'bigint', (column) => column.notNull())
    .addColumn('seal', 'text', (column) => column.notNull())
    .execute();
  await chainEarlierEvents(db, chain, nowMs);
  await (kind === 'sqlite' ? refuseChangesOnSqlite(db) : refuseChangesOnPostgres(db));
}

async function chainEarlierEvents(
  db: Kysely<Schema>,
  chain: AuditChain,
  nowMs: number,
): Promise<void> {
  const { count } = await db
    .selectFrom('audit_events')
    .select((eb) => eb.fn.countAll<number | string>().as('count'))
    .executeTakeFirstOrThrow();
  const beginning = { began_at: nowMs, earlier_events: Number(count) };
  let end = { seq: 0, hash: chain.genesis(beginning) };
  for (;;) {
    const rows = await db
      .selectFrom('audit_events')
      .selectAll()
      .where('seq', '>', end.seq)
      .orderBy('seq')
      .limit(page)
      .execute();
    if (rows.length === 0) break;
    const links = rows.map((row) => {
      const prevHash = end.hash;
      end = { seq: row.seq, hash: chain.link(prevHash, row) };
      return sql`(cast(${row.seq} as bigint), ${prevHash}, ${end.hash})`;
    });
    // Both databases call the columns of a bare list of values by these names.
    await sql`
      update audit_events set prev_hash = links.column2, hash = links.column3
      from (values ${sql.join(links)}) as links where audit_events.seq = links.column1
    `.execute(db);
  }
  const head = { ...end, ...beginning };
  await db
    .insertInto('audit_head')
    .values({ name: 'head', ...head, seal: chain.seal(head) })
    .execute();
}

const refusal = 'the audit log is append only';

async function refuseChangesOnSqlite(db: Kysely<Schema>): Promise<void> {
  for (const change of ['update', 'delete']) {
    await sql`
      create trigger ${sql.ref(`audit_events_refuse_${change}`)}
      before ${sql.raw(change)} on audit_events
      begin select raise(abort, ${sql.lit(refusal)}); end
    `.execute(db);
  }
}

async function refuseChangesOnPostgres(db: Kysely<Schema>): Promise<void> {
  await sql`
    create function audit_events_refuse_change() returns trigger language plpgsql as
    ${sql.lit(`begin raise exception '${refusal}'; end`)}
  `.execute(db);
  await sql`
    create trigger audit_events_refuse_change before update or delete or truncate
    on audit_events for each statement execute function audit_events_refuse_change()
  `.execute(db);
}
