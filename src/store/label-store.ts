import type { Database } from './database.ts';
import type { LabelStore } from './outreach.ts';
import type { ParameterOf } from './prepared-statement.ts';

/** Keeps labels of connections. */
export function createLabelStore(database: Database): LabelStore {
  const put = database.prepare(
    (db, p: ParameterOf<{ connectionId: string; name: string; value: string }>) =>
      db
        .insertInto('connection_labels')
        .values({ connection_id: p('connectionId'), name: p('name'), value: p('value') })
        .onConflict((conflict) =>
          conflict
            .columns(['connection_id', 'name'])
            .doUpdateSet((eb) => ({ value: eb.ref('excluded.value') })),
        ),
  );
  const remove = database.prepare((db, p: ParameterOf<{ connectionId: string; name: string }>) =>
    db
      .deleteFrom('connection_labels')
      .where('connection_id', '=', p('connectionId'))
      .where('name', '=', p('name')),
  );
  const list = database.prepare((db, p: ParameterOf<{ connectionId: string }>) =>
    db
      .selectFrom('connection_labels')
      .select(['name', 'value'])
      .where('connection_id', '=', p('connectionId'))
      .orderBy('name'),
  );
  const count = database.prepare((db, p: ParameterOf<{ name: string }>) =>
    db
      .selectFrom('connection_labels')
      .select(['value', (eb) => eb.fn.countAll<number>().as('count')])
      .where('name', '=', p('name'))
      .groupBy('value')
      .orderBy('count', 'desc')
      .orderBy('value'),
  );
  const of = async (connectionId: string): Promise<Record<string, string>> =>
    Object.fromEntries((await list.all({ connectionId })).map(({ name, value }) => [name, value]));
  return {
    async put(connectionId, labels) {
      const entries = Object.entries(labels);
      if (entries.length === 0) return false;
      const known = await of(connectionId);
      let changed = false;
      for (const [name, value] of entries) {
        if ((known[name] ?? '') === value) continue;
        if (value === '') await remove.run({ connectionId, name });
        else await put.run({ connectionId, name, value });
        changed = true;
      }
      return changed;
    },
    of,
    count: async (name) => (await count.all({ name })).map((row) => ({ ...row })),
  };
}
