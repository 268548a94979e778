import type { RouteException } from '../model/route-policy.ts';
import type { Database } from './database.ts';
import type { ParameterOf } from './prepared-statement.ts';
import type { RouteExceptionTable } from './traffic-schema.ts';

/** Exceptions from routes: few, and read whole by every process. */
export interface RouteExceptionStore {
  /** By operation, then by connection. */
  list(): Promise<readonly RouteException[]>;
  /** Adds one, or replaces that of the same connection and operation. */
  put(exception: RouteException): Promise<void>;
  /** Answers whether there was one. */
  remove(operation: string, connectionId?: string): Promise<boolean>;
}

/** Keeps route exceptions. */
export function createRouteExceptionStore(database: Database): RouteExceptionStore {
  const list = database.prepare((db) =>
    db.selectFrom('route_exceptions').selectAll().orderBy('operation').orderBy('connection_id'),
  );
  const put = database.prepare(
    (db, p: ParameterOf<{ [C in keyof RouteExceptionTable]: RouteExceptionTable[C] }>) =>
      db
        .insertInto('route_exceptions')
        .values({
          connection_id: p('connection_id'),
          operation: p('operation'),
          route: p('route'),
          created_at: p('created_at'),
          actor: p('actor'),
        })
        .onConflict((conflict) =>
          conflict.columns(['connection_id', 'operation']).doUpdateSet((eb) => ({
            route: eb.ref('excluded.route'),
            created_at: eb.ref('excluded.created_at'),
            actor: eb.ref('excluded.actor'),
          })),
        ),
  );
  const remove = database.prepare(
    (db, p: ParameterOf<{ operation: string; connectionId: string }>) =>
      db
        .deleteFrom('route_exceptions')
        .where('operation', '=', p('operation'))
        .where('connection_id', '=', p('connectionId')),
  );
  return {
    list: async () =>
      (await list.all({})).map((row) => ({
        connectionId: row.connection_id || undefined,
        operation: row.operation,
        route: row.route,
        createdAtMs: row.created_at,
        actor: row.actor,
      })),
    async put({ connectionId, operation, route, createdAtMs, actor }) {
      const connection_id = connectionId ?? '';
      await put.run({ connection_id, operation, route, created_at: createdAtMs, actor });
    },
    remove: async (operation, connectionId = '') =>
      (await remove.run({ operation, connectionId })) > 0,
  };
}
