import type { RouteException } from '../model/route-policy.ts';
import { createRowMapper, parametersFor, replacing, type ColumnsOf } from './columns.ts';
import type { Database } from './database.ts';
import type { RouteExceptionRow, SwitchRow } from './schema.ts';
import { statement, type ParameterOf } from './statement.ts';

/** A decision about every connection at once. */
export interface SwitchState {
  readonly value: string;
  readonly changedAtMs: number;
  readonly actor: string;
}

/**
 * What an operator decided for every connection at once, on every process. The switch `route` is
 * `key` or `oauth` and overrides each connection's own route; unset is the normal state.
 */
export interface SwitchStore {
  get(name: string): Promise<string | undefined>;
  /** The value with when and by whom it was set. */
  describe(name: string): Promise<SwitchState | undefined>;
  /** `undefined` unsets it. */
  set(name: string, value: string | undefined, atMs: number, actor: string): Promise<void>;
}

/** Exceptions from routes: few, and read whole by every process. */
export interface RouteExceptionStore {
  /** By operation, then by connection. */
  list(): Promise<readonly RouteException[]>;
  /** Adds one, or replaces that of the same connection and operation. */
  put(exception: RouteException): Promise<void>;
  /** Returns whether there was one. */
  remove(operation: string, connectionId?: string): Promise<boolean>;
}

const findSwitch = statement((db, p: ParameterOf<{ name: string }>) =>
  db.selectFrom('switches').selectAll().where('name', '=', p('name')),
);

const putSwitch = statement(
  (db, p: ParameterOf<{ [Column in keyof SwitchRow]: SwitchRow[Column] }>) =>
    db
      .insertInto('switches')
      .values(
        parametersFor<SwitchRow, keyof SwitchRow>(['name', 'value', 'changed_at', 'actor'], p),
      )
      .onConflict((conflict) =>
        conflict.column('name').doUpdateSet(replacing<SwitchRow>(['value', 'changed_at', 'actor'])),
      ),
);

const removeSwitch = statement((db, p: ParameterOf<{ name: string }>) =>
  db.deleteFrom('switches').where('name', '=', p('name')),
);

/** Keeps switches. */
export function createSwitchStore(database: Database): SwitchStore {
  return {
    get: async (name) => (await database.first(findSwitch, { name }))?.value,
    async describe(name) {
      const row = await database.first(findSwitch, { name });
      return row && { value: row.value, changedAtMs: row.changed_at, actor: row.actor };
    },
    async set(name, value, atMs, actor) {
      if (value === undefined) await database.run(removeSwitch, { name });
      else await database.run(putSwitch, { name, value, changed_at: atMs, actor });
    },
  };
}

/** In a row an empty connection id means every connection: no part of a primary key is null. */
type ExceptionFields = RouteException & { readonly connectionId: string };

const columns = {
  connectionId: 'connection_id',
  operation: 'operation',
  route: 'route',
  createdAtMs: 'created_at',
  actor: 'actor',
} as const satisfies ColumnsOf<ExceptionFields, RouteExceptionRow>;

const mapper = createRowMapper<ExceptionFields, RouteExceptionRow, typeof columns>(columns);

const listExceptions = statement((db) =>
  db.selectFrom('route_exceptions').selectAll().orderBy('operation').orderBy('connection_id'),
);

const putException = statement(
  (db, p: ParameterOf<{ [Column in keyof RouteExceptionRow]: RouteExceptionRow[Column] }>) =>
    db
      .insertInto('route_exceptions')
      .values(parametersFor<RouteExceptionRow, keyof RouteExceptionRow>(mapper.columns, p))
      .onConflict((conflict) =>
        conflict
          .columns(['connection_id', 'operation'])
          .doUpdateSet(replacing<RouteExceptionRow>(['route', 'created_at', 'actor'])),
      ),
);

const removeException = statement(
  (db, p: ParameterOf<{ operation: string; connectionId: string }>) =>
    db
      .deleteFrom('route_exceptions')
      .where('operation', '=', p('operation'))
      .where('connection_id', '=', p('connectionId')),
);

/** Keeps route exceptions. */
export function createRouteExceptionStore(database: Database): RouteExceptionStore {
  return {
    list: async () =>
      (await database.all(listExceptions, {})).map((row) => ({
        ...mapper.toRecord(row),
        connectionId: row.connection_id || undefined,
      })),
    async put(exception) {
      const fields = { ...exception, connectionId: exception.connectionId ?? '' };
      await database.run(putException, { ...mapper.toRow(fields) });
    },
    remove: async (operation, connectionId = '') =>
      (await database.run(removeException, { operation, connectionId })) > 0,
  };
}
