import type { Database } from './database.ts';
import type { ParameterOf } from './prepared-statement.ts';

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

/** Keeps switches. */
export function createSwitchStore(database: Database): SwitchStore {
  const find = database.prepare((db, p: ParameterOf<{ name: string }>) =>
    db.selectFrom('switches').selectAll().where('name', '=', p('name')),
  );
  const put = database.prepare(
    (db, p: ParameterOf<{ name: string; value: string; at: number; actor: string }>) =>
      db
        .insertInto('switches')
        .values({ name: p('name'), value: p('value'), changed_at: p('at'), actor: p('actor') })
        .onConflict((conflict) =>
          conflict.column('name').doUpdateSet((eb) => ({
            value: eb.ref('excluded.value'),
            changed_at: eb.ref('excluded.changed_at'),
            actor: eb.ref('excluded.actor'),
          })),
        ),
  );
  const remove = database.prepare((db, p: ParameterOf<{ name: string }>) =>
    db.deleteFrom('switches').where('name', '=', p('name')),
  );
  return {
    get: async (name) => (await find.first({ name }))?.value,
    async describe(name) {
      const row = await find.first({ name });
      return row && { value: row.value, changedAtMs: row.changed_at, actor: row.actor };
    },
    async set(name, value, atMs, actor) {
      if (value === undefined) await remove.run({ name });
      else await put.run({ name, value, at: atMs, actor });
    },
  };
}
