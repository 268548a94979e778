import { sql } from 'kysely';
import type { MigrationTarget } from './migration-target.ts';

/** What no change of an entry may touch. */
const fixed = ['seq', 'at', 'actor', 'action', 'from_stage', 'to_stage', 'prev_hash', 'hash'];

/** What may be taken out of an entry, when its digest is put in the place of its proof. */
const erasable = [
  ['connection_id', 'connection_proof'],
  ['reason', 'reason_proof'],
] as const;

/** Gives the personal fields of an entry their proofs, and lets them alone be taken out. */
export async function up({ db, kind, table }: MigrationTarget): Promise<void> {
  for (const column of ['actor_proof', 'connection_proof', 'reason_proof']) {
    await db.schema.alterTable('audit_events').addColumn(column, 'text').execute();
  }
  const events = table('audit_events');
  const same = (name: string) => `new.${name} is not distinct from old.${name}`;
  const erasure = [
    ...[...fixed, 'actor_proof'].map(same),
    ...erasable.map(
      ([field, proof]) =>
        `(${same(field)} and ${same(proof)} or new.${field} is null and new.${proof} like 'digest:%')`,
    ),
  ].join(' and ');
  if (kind === 'sqlite') {
    await sql`drop trigger audit_events_refuse_update`.execute(db);
    await sql`
      create trigger audit_events_refuse_update before update on ${events}
      when not (${sql.raw(erasure)})
      begin select raise(abort, 'the audit log is append only'); end
    `.execute(db);
    return;
  }
  const refuse = table('audit_events_refuse_change');
  await sql`drop trigger audit_events_refuse_change on ${events}`.execute(db);
  await sql`
    create trigger audit_events_refuse_change before delete or truncate on ${events}
    for each statement execute function ${refuse}()
  `.execute(db);
  await sql`
    create trigger audit_events_refuse_update before update on ${events}
    for each row when (not (${sql.raw(erasure)})) execute function ${refuse}()
  `.execute(db);
}
