import type { Database } from './database.ts';
import type { ParameterOf } from './prepared-statement.ts';
import type { AuditEventRow } from './schema.ts';
import type { AuditStore } from './store.ts';

type EventColumns = Omit<AuditEventRow, 'seq'>;
type InsertParameters = { [Column in keyof EventColumns]: EventColumns[Column] };

/** Keeps the audit log. */
export function createAuditStore(database: Database): AuditStore {
  const append = database.prepare((db, p: ParameterOf<InsertParameters>) =>
    db.insertInto('audit_events').values({
      at: p('at'),
      actor: p('actor'),
      action: p('action'),
      connection_id: p('connection_id'),
      from_stage: p('from_stage'),
      to_stage: p('to_stage'),
      reason: p('reason'),
    }),
  );
  const listByConnection = database.prepare((db, p: ParameterOf<{ connectionId: string }>) =>
    db
      .selectFrom('audit_events')
      .selectAll()
      .where('connection_id', '=', p('connectionId'))
      .orderBy('seq'),
  );
  return {
    async append(event) {
      await append.run({
        at: event.atMs,
        actor: event.actor,
        action: event.action,
        connection_id: event.connectionId ?? null,
        from_stage: event.fromStage ?? null,
        to_stage: event.toStage ?? null,
        reason: event.reason ?? null,
      });
    },
    listByConnection: async (connectionId) =>
      (await listByConnection.all({ connectionId })).map((row) => ({
        atMs: row.at,
        actor: row.actor,
        action: row.action,
        connectionId: row.connection_id ?? undefined,
        fromStage: row.from_stage ?? undefined,
        toStage: row.to_stage ?? undefined,
        reason: row.reason ?? undefined,
      })),
  };
}
