import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { BlindIndex } from '../vault/blind-index.ts';
import type { Database } from './database.ts';
import { createGrantLeaseStore } from './grant-lease-store.ts';
import { createGrantMapper, replacePair, type GrantMapper } from './grant-row.ts';
import { prepareGrantReads, prepareGrantWrites } from './grant-statements.ts';
import type { Grant, TokenPair } from '../model/grant.ts';
import type { GrantRow } from './schema.ts';
import type { Sealer } from './sealer.ts';
import type { GrantKey, GrantStore } from './store.ts';

/** Owner of no lease: a writer that passes only where there is none. */
const nobody = '';

/** Each lost race means that another writer saved a pair: so many in a row do not happen. */
const maxConsentAttempts = 100;

/** Keeps grants, their tokens sealed. */
export function createGrantStore(
  database: Database,
  sealer: Sealer,
  blindIndex: BlindIndex,
): GrantStore {
  const { findById, find, findByCurrent, findByPrevious } = prepareGrantReads(database);
  const writes = prepareGrantWrites(database);
  const mapper = createGrantMapper(sealer, blindIndex);
  const { insertNew, replaceByConsent, replaceByRefresh } = createPairWriter(writes, mapper);
  const open = (row: GrantRow | undefined): Grant | undefined => row && mapper.toGrant(row);

  return {
    findById: async (id) => open(await findById.first({ id })),
    find: async ({ clientId, accountId }) => open(await find.first({ clientId, accountId })),
    async findByRefreshToken(clientId, refreshToken) {
      const wanted = { clientId, index: mapper.indexOf(refreshToken) };
      return open((await findByCurrent.first(wanted)) ?? (await findByPrevious.first(wanted)));
    },
    async listUnclaimed(clientId) {
      const rows = await database.query((db) =>
        db
          .selectFrom('grants')
          .leftJoin('connections', 'connections.account_id', 'grants.account_id')
          .select(['grants.account_id as accountId', 'grants.consented_at as consentedAtMs'])
          .where('grants.client_id', '=', clientId)
          .where('grants.state', '=', 'active')
          .where('connections.id', 'is', null)
          .orderBy('grants.consented_at')
          .orderBy('grants.account_id'),
      );
      return rows;
    },
    async saveConsent(key, pair) {
      const { clientId, accountId } = key;
      for (let attempts = 0; attempts < maxConsentAttempts; attempts += 1) {
        const former = open(await find.first({ clientId, accountId }));
        const saved = former
          ? await replaceByConsent(former, pair)
          : await insertNew(key, pair, 'active');
        if (saved) return saved;
      }
      throw new KeyshiftError('internal', `The grant of account ${accountId} could not be saved.`);
    },
    async setAside(key, pair) {
      const saved = await insertNew(key, pair, 'set_aside');
      if (saved) return saved;
      throw new KeyshiftError('internal', 'A grant could not be set aside.');
    },
    async saveRefreshed(id, generation, pair, owner = nobody) {
      const former = open(await findById.first({ id }));
      return former?.generation === generation ? replaceByRefresh(former, pair, owner) : undefined;
    },
    async markState(id, generation, state, owner = nobody) {
      const changed =
        state === 'lost'
          ? await writes.markLost.run({ id, generation, owner })
          : await writes.markRevoked.run({ id, generation });
      return changed === 1;
    },
    ...createGrantLeaseStore(database, mapper),
  };
}

/** Each answers the saved grant, or `undefined` when another writer came first. */
function createPairWriter(writes: ReturnType<typeof prepareGrantWrites>, mapper: GrantMapper) {
  const toParameters = (former: Grant, fields: ReturnType<typeof replacePair>) => ({
    id: former.id,
    generation: former.generation,
    ...mapper.toColumns(former.id, fields),
  });
  return {
    async insertNew(
      { id, clientId, accountId }: GrantKey & { readonly id: string },
      pair: TokenPair,
      state: 'active' | 'set_aside',
    ): Promise<Grant | undefined> {
      const fields = replacePair(pair);
      const columns = mapper.toColumns(id, fields);
      const row = await writes.insert.first({
        id,
        client_id: clientId,
        account_id: accountId,
        state,
        ...columns,
      });
      const consentedAtMs = pair.obtainedAtMs;
      return row && { id, clientId, accountId, state, ...fields, consentedAtMs, generation: 1 };
    },
    async replaceByConsent(former: Grant, pair: TokenPair): Promise<Grant | undefined> {
      const fields = replacePair(pair, former);
      const row = await writes.replaceByConsent.first(toParameters(former, fields));
      const { obtainedAtMs: consentedAtMs } = pair;
      const generation = former.generation + 1;
      return (
        row && {
          ...former,
          ...fields,
          state: row.state,
          consentedAtMs,
          generation,
          failure: undefined,
        }
      );
    },
    async replaceByRefresh(
      former: Grant,
      pair: TokenPair,
      owner: string,
    ): Promise<Grant | undefined> {
      const fields = replacePair(pair, former);
      const row = await writes.replaceByRefresh.first({
        ...toParameters(former, fields),
        owner,
      });
      const generation = former.generation + 1;
      return row && { ...former, ...fields, state: row.state, generation, failure: undefined };
    },
  };
}
