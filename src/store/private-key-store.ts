import { Secret } from '../runtime/secret.ts';
import type { BlindIndex } from '../vault/blind-index.ts';
import type { Database } from './database.ts';
import type { ParameterOf } from './prepared-statement.ts';
import type { Sealed } from './sealed.ts';
import type { Sealer } from './sealer.ts';
import type { PrivateKeyStore } from './store.ts';

/** Keeps private keys, sealed. */
export function createPrivateKeyStore(
  database: Database,
  sealer: Sealer,
  blindIndex: BlindIndex,
): PrivateKeyStore {
  const { put, find, findByIndex, markUsed, destroy, forget } = prepareStatements(database);
  return {
    async put(connectionId, key, atMs) {
      const value = key.reveal();
      await put.run({
        connectionId,
        sealed: sealer.seal('privateKey', connectionId, value),
        index: blindIndex.index(value, 'private_key'),
        at: atMs,
      });
    },
    async open(connectionId) {
      const sealed = (await find.first({ connectionId }))?.sealed_key;
      if (!sealed) return undefined;
      return new Secret('private_key', sealer.open('privateKey', connectionId, sealed));
    },
    async info(connectionId) {
      const row = await find.first({ connectionId });
      if (!row) return undefined;
      return {
        connectionId,
        present: row.sealed_key !== null,
        createdAtMs: row.created_at,
        lastUsedAtMs: row.last_used_at ?? undefined,
        destroyedAtMs: row.destroyed_at ?? undefined,
      };
    },
    async findConnectionIds(key, limit = Number.MAX_SAFE_INTEGER) {
      const index = blindIndex.index(key.reveal(), 'private_key');
      const rows = await findByIndex.all({ index, limit });
      return rows.map((row) => row.connection_id);
    },
    async matches(connectionId, key) {
      const known = (await find.first({ connectionId }))?.blind_index;
      return known === blindIndex.index(key.reveal(), 'private_key');
    },
    async markUsed(connectionId, atMs) {
      await markUsed.run({ connectionId, at: atMs });
    },
    async destroy(connectionId, atMs) {
      await destroy.run({ connectionId, at: atMs });
    },
    forget: async (connectionId) => (await forget.run({ connectionId })) > 0,
  };
}

function prepareStatements(database: Database) {
  const put = database.prepare(
    (db, p: ParameterOf<{ connectionId: string; sealed: Sealed; index: string; at: number }>) =>
      db
        .insertInto('private_keys')
        .values({
          connection_id: p('connectionId'),
          sealed_key: p('sealed'),
          blind_index: p('index'),
          created_at: p('at'),
        })
        .onConflict((conflict) =>
          conflict.column('connection_id').doUpdateSet((eb) => ({
            sealed_key: eb.ref('excluded.sealed_key'),
            blind_index: eb.ref('excluded.blind_index'),
            created_at: eb.ref('excluded.created_at'),
            last_used_at: null,
            destroyed_at: null,
          })),
        ),
  );
  const find = database.prepare((db, p: ParameterOf<{ connectionId: string }>) =>
    db.selectFrom('private_keys').selectAll().where('connection_id', '=', p('connectionId')),
  );
  const findByIndex = database.prepare((db, p: ParameterOf<{ index: string; limit: number }>) =>
    db
      .selectFrom('private_keys')
      .select('connection_id')
      .where('blind_index', '=', p('index'))
      .orderBy('created_at')
      .orderBy('connection_id')
      .limit(p('limit')),
  );
  const markUsed = database.prepare((db, p: ParameterOf<{ connectionId: string; at: number }>) =>
    db
      .updateTable('private_keys')
      .set({ last_used_at: p('at') })
      .where('connection_id', '=', p('connectionId'))
      .where((eb) => eb.or([eb('last_used_at', 'is', null), eb('last_used_at', '<', p('at'))])),
  );
  const destroy = database.prepare((db, p: ParameterOf<{ connectionId: string; at: number }>) =>
    db
      .updateTable('private_keys')
      .set({ sealed_key: null, destroyed_at: p('at') })
      .where('connection_id', '=', p('connectionId'))
      .where('sealed_key', 'is not', null),
  );
  const forget = database.prepare((db, p: ParameterOf<{ connectionId: string }>) =>
    db
      .updateTable('private_keys')
      // No key has an empty index.
      .set({ blind_index: '' })
      .where('connection_id', '=', p('connectionId'))
      .where('sealed_key', 'is', null)
      .where('blind_index', '!=', ''),
  );
  return { put, find, findByIndex, markUsed, destroy, forget };
}
