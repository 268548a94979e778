import type { Database } from './database.ts';
import type { OptOutStore } from './outreach.ts';
import type { ParameterOf } from './prepared-statement.ts';

/** Keeps the addresses that want no more mail. */
export function createOptOutStore(database: Database): OptOutStore {
  const add = database.prepare(
    (db, p: ParameterOf<{ address: string; at: number; source: string }>) =>
      db
        .insertInto('opt_outs')
        .values({ address: p('address'), at: p('at'), source: p('source') })
        .onConflict((conflict) => conflict.column('address').doNothing()),
  );
  const find = database.prepare((db, p: ParameterOf<{ address: string }>) =>
    db.selectFrom('opt_outs').select('at').where('address', '=', p('address')),
  );
  const count = database.prepare((db) =>
    db.selectFrom('opt_outs').select((eb) => eb.fn.countAll<number>().as('count')),
  );
  return {
    async add(address, atMs, source) {
      await add.run({ address: address.toLowerCase(), at: atMs, source });
    },
    has: async (address) => (await find.first({ address: address.toLowerCase() })) !== undefined,
    count: async () => (await count.first({}))?.count ?? 0,
  };
}
