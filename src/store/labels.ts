import type { Labels } from '../model/labels.ts';
import type { Database } from './database.ts';
import { statement, type ParameterOf } from './statement.ts';

/** Groups customers: cohorts, languages, time zones, whatever the integrator knows of them. */
export interface LabelStore {
  /** Adds labels or replaces their values; an empty value removes one. Returns whether any changed. */
  put(connectionId: string, labels: Labels): Promise<boolean>;
  /** Of one connection, by name. */
  of(connectionId: string): Promise<Labels>;
  /** How many connections bear each value of a label, most first; what cohorts there are. */
  count(name: string): Promise<{ readonly value: string; readonly count: number }[]>;
}

const put = statement((db, p: ParameterOf<{ connectionId: string; name: string; value: string }>) =>
  db
    .insertInto('connection_labels')
    .values({ connection_id: p('connectionId'), name: p('name'), value: p('value') })
    .onConflict((conflict) =>
      conflict
        .columns(['connection_id', 'name'])
        .doUpdateSet((eb) => ({ value: eb.ref('excluded.value') })),
    ),
);

const remove = statement((db, p: ParameterOf<{ connectionId: string; name: string }>) =>
  db
    .deleteFrom('connection_labels')
    .where('connection_id', '=', p('connectionId'))
    .where('name', '=', p('name')),
);

const list = statement((db, p: ParameterOf<{ connectionId: string }>) =>
  db
    .selectFrom('connection_labels')
    .select(['name', 'value'])
    .where('connection_id', '=', p('connectionId'))
    .orderBy('name'),
);

const count = statement((db, p: ParameterOf<{ name: string }>) =>
  db
    .selectFrom('connection_labels')
    .select(['value', (eb) => eb.fn.countAll<number>().as('count')])
    .where('name', '=', p('name'))
    .groupBy('value')
    .orderBy('count', 'desc')
    .orderBy('value'),
);

/** Keeps labels of connections. */
export function createLabelStore(database: Database): LabelStore {
  const of = async (connectionId: string): Promise<Record<string, string>> => {
    const rows = await database.all(list, { connectionId });
    return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
  };
  return {
    async put(connectionId, labels) {
      const entries = Object.entries(labels);
      if (entries.length === 0) return false;
      const known = await of(connectionId);
      let changed = false;
      for (const [name, value] of entries) {
        if ((known[name] ?? '') === value) continue;
        if (value === '') await database.run(remove, { connectionId, name });
        else await database.run(put, { connectionId, name, value });
        changed = true;
      }
      return changed;
    },
    of,
    count: async (name) => (await database.all(count, { name })).map((row) => ({ ...row })),
  };
}
