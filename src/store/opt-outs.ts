import type { Database } from './database.ts';
import { statement, type ParameterOf } from './statement.ts';

/** Addresses that asked for no more mail. */
export interface OptOutStore {
  /** Records the first wish; later ones change nothing. Case does not matter. */
  add(address: string, atMs: number, source: string): Promise<void>;
  has(address: string): Promise<boolean>;
  count(): Promise<number>;
}

const add = statement((db, p: ParameterOf<{ address: string; at: number; source: string }>) =>
  db
    .insertInto('opt_outs')
    .values({ address: p('address'), at: p('at'), source: p('source') })
    .onConflict((conflict) => conflict.column('address').doNothing()),
);

const find = statement((db, p: ParameterOf<{ address: string }>) =>
  db.selectFrom('opt_outs').select('at').where('address', '=', p('address')),
);

const count = statement((db) =>
  db.selectFrom('opt_outs').select((eb) => eb.fn.countAll<number>().as('count')),
);

/** Keeps the addresses that want no more mail. */
export function createOptOutStore(database: Database): OptOutStore {
  return {
    async add(address, atMs, source) {
      await database.run(add, { address: address.toLowerCase(), at: atMs, source });
    },
    has: async (address) =>
      (await database.first(find, { address: address.toLowerCase() })) !== undefined,
    count: async () => (await database.first(count, {}))?.count ?? 0,
  };
}
