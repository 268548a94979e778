import type { KeyHolding, PrivateKeyInfo, StoredKey } from '../model/private-key.ts';
import { Secret } from '../runtime/secret.ts';
import type { BlindIndex } from '../vault/blind-index.ts';
import type { Database } from './database.ts';
import type { Sealed } from './sealed.ts';
import type { Sealer } from './sealer.ts';
import { statement, type ParameterOf } from './statement.ts';

/** The private key of each connection, sealed; found by a blind index, also after its end. */
export interface PrivateKeyStore {
  /**
   * Seals and stores the key, replacing any earlier one of the connection and what was known of
   * it: the new one is not proved for any account. Throws `connection_not_found` when there is no such connection.
   */
  put(connectionId: string, key: Secret<'private_key'>, atMs: number): Promise<void>;
  /** Opens the key; `undefined` when there is none or it was destroyed. */
  open(connectionId: string): Promise<Secret<'private_key'> | undefined>;
  /** Opens the key, with the account that it was proved for. */
  openStored(connectionId: string): Promise<StoredKey | undefined>;
  /**
   * Records the account that Klaviyo named for the key. Returns false, and records nothing, when
   * the connection holds another key by now.
   */
  prove(connectionId: string, key: Secret<'private_key'>, accountId: string): Promise<boolean>;
  info(connectionId: string): Promise<PrivateKeyInfo | undefined>;
  /** Connections that hold or held this key, by blind index, in order of creation. */
  findConnectionIds(key: Secret<'private_key'>, limit?: number): Promise<string[]>;
  /** The same, with the account that each proved the key for. */
  findHolders(key: Secret<'private_key'>): Promise<KeyHolding[]>;
  /** Whether this is the connection's key, also when its sealed value was destroyed. */
  matches(connectionId: string, key: Secret<'private_key'>): Promise<boolean>;
  /** Records use, at most forward in time; also of a destroyed key, which may still name a caller. */
  markUsed(connectionId: string, atMs: number): Promise<void>;
  /** Destroys the sealed key for good and keeps its blind index. */
  destroy(connectionId: string, atMs: number): Promise<void>;
  /** Clears the blind index of a destroyed key: it names nobody any more. Returns whether it did. */
  forget(connectionId: string): Promise<boolean>;
}

const put = statement(
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
          account_id: null,
          last_used_at: null,
          destroyed_at: null,
        })),
      ),
);

const find = statement((db, p: ParameterOf<{ connectionId: string }>) =>
  db.selectFrom('private_keys').selectAll().where('connection_id', '=', p('connectionId')),
);

const prove = statement(
  (db, p: ParameterOf<{ connectionId: string; index: string; accountId: string }>) =>
    db
      .updateTable('private_keys')
      .set({ account_id: p('accountId') })
      .where('connection_id', '=', p('connectionId'))
      .where('blind_index', '=', p('index'))
      .where('sealed_key', 'is not', null),
);

const findByIndex = statement((db, p: ParameterOf<{ index: string; limit: number }>) =>
  db
    .selectFrom('private_keys')
    .select(['connection_id', 'account_id'])
    .where('blind_index', '=', p('index'))
    .orderBy('created_at')
    .orderBy('connection_id')
    .limit(p('limit')),
);

const markUsed = statement((db, p: ParameterOf<{ connectionId: string; at: number }>) =>
  db
    .updateTable('private_keys')
    .set({ last_used_at: p('at') })
    .where('connection_id', '=', p('connectionId'))
    .where((eb) => eb.or([eb('last_used_at', 'is', null), eb('last_used_at', '<', p('at'))])),
);

const destroy = statement((db, p: ParameterOf<{ connectionId: string; at: number }>) =>
  db
    .updateTable('private_keys')
    .set({ sealed_key: null, destroyed_at: p('at') })
    .where('connection_id', '=', p('connectionId'))
    .where('sealed_key', 'is not', null),
);

const forget = statement((db, p: ParameterOf<{ connectionId: string }>) =>
  db
    .updateTable('private_keys')
    // No key has an empty index.
    .set({ blind_index: '' })
    .where('connection_id', '=', p('connectionId'))
    .where('sealed_key', 'is', null)
    .where('blind_index', '!=', ''),
);

/** Keeps private keys, sealed. */
export function createPrivateKeyStore(
  database: Database,
  sealer: Sealer,
  blindIndex: BlindIndex,
): PrivateKeyStore {
  const indexOf = (key: Secret<'private_key'>) => blindIndex.index(key.reveal(), 'private_key');

  async function openStored(connectionId: string): Promise<StoredKey | undefined> {
    const row = await database.first(find, { connectionId });
    if (!row?.sealed_key) return undefined;
    return {
      secret: new Secret('private_key', sealer.open('privateKey', connectionId, row.sealed_key)),
      accountId: row.account_id ?? undefined,
    };
  }

  return {
    async put(connectionId, key, atMs) {
      const sealed = sealer.seal('privateKey', connectionId, key.reveal());
      await database.run(put, { connectionId, sealed, index: indexOf(key), at: atMs });
    },
    open: async (connectionId) => (await openStored(connectionId))?.secret,
    openStored,
    prove: async (connectionId, key, accountId) =>
      (await database.run(prove, { connectionId, index: indexOf(key), accountId })) > 0,
    async info(connectionId) {
      const row = await database.first(find, { connectionId });
      if (!row) return undefined;
      return {
        connectionId,
        present: row.sealed_key !== null,
        accountId: row.account_id ?? undefined,
        createdAtMs: row.created_at,
        lastUsedAtMs: row.last_used_at ?? undefined,
        destroyedAtMs: row.destroyed_at ?? undefined,
      };
    },
    async findConnectionIds(key, limit = Number.MAX_SAFE_INTEGER) {
      const rows = await database.all(findByIndex, { index: indexOf(key), limit });
      return rows.map((row) => row.connection_id);
    },
    async findHolders(key) {
      const limit = Number.MAX_SAFE_INTEGER;
      const rows = await database.all(findByIndex, { index: indexOf(key), limit });
      return rows.map((row) => ({
        connectionId: row.connection_id,
        accountId: row.account_id ?? undefined,
      }));
    },
    matches: async (connectionId, key) =>
      (await database.first(find, { connectionId }))?.blind_index === indexOf(key),
    async markUsed(connectionId, atMs) {
      await database.run(markUsed, { connectionId, at: atMs });
    },
    async destroy(connectionId, atMs) {
      await database.run(destroy, { connectionId, at: atMs });
    },
    forget: async (connectionId) => (await database.run(forget, { connectionId })) > 0,
  };
}
