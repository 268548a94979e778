import assert from 'node:assert/strict';
import type { GrantKey } from '../../../src/store/grants.ts';
import { oneOf, reveal, samplePair, t0, type ContractTest } from './contract-test.ts';

const key: GrantKey = { clientId: 'client', accountId: 'AbC123' };

/** Promises of `store.grants` when several callers and processes write at once. */
export const grantRaceCases = {
  async 'grants: of 20 refreshes of one generation, exactly one is saved'(store, openAnother) {
    const stores = [store, await openAnother()];
    await store.grants.saveConsent({ ...key, id: 'g1' }, samplePair('0'));
    const saved = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        oneOf(stores, i).grants.saveRefreshed('g1', 1, samplePair(`writer-${i}`)),
      ),
    );
    const winners = saved.filter((grant) => grant !== undefined);
    assert.equal(winners.length, 1);
    const stored = await store.grants.findById('g1');
    assert.equal(stored?.generation, 2);
    assert.equal(reveal(stored.accessToken), reveal(winners[0]?.accessToken));
    assert.equal(reveal(stored.refreshToken), reveal(winners[0]?.refreshToken));
    assert.equal(reveal(stored.previousRefreshToken), 'refresh-token-0');
  },

  async 'grants: 12 consents at once make one grant, each of them a generation'(
    store,
    openAnother,
  ) {
    const stores = [store, await openAnother()];
    const saved = await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        oneOf(stores, i).grants.saveConsent({ ...key, id: `g${i}` }, samplePair(`consent-${i}`)),
      ),
    );
    assert.equal(new Set(saved.map(({ id }) => id)).size, 1);
    const byGeneration = saved.toSorted((a, b) => a.generation - b.generation);
    assert.deepEqual(
      byGeneration.map(({ generation }) => generation),
      Array.from({ length: 12 }, (_, i) => i + 1),
    );
    // Each one kept the refresh token of the one it replaced: no pair was lost unseen.
    for (const [i, grant] of byGeneration.entries()) {
      assert.equal(reveal(grant.previousRefreshToken), reveal(byGeneration[i - 1]?.refreshToken));
    }
    const stored = await store.grants.find(key);
    assert.equal(stored?.generation, 12);
    assert.equal(reveal(stored.accessToken), reveal(byGeneration[11]?.accessToken));
  },

  async 'grants: a late verdict never marks a grant that was refreshed meanwhile'(
    store,
    openAnother,
  ) {
    const other = await openAnother();
    for (let round = 0; round < 10; round += 1) {
      const accountId = `account-${round}`;
      await store.grants.saveConsent({ ...key, accountId, id: accountId }, samplePair('1'));
      const owner = 'holder';
      const request = { generation: 1, owner, nowMs: t0, expiresAtMs: t0 + 1_000 };
      const held = await store.grants.acquireLease(accountId, request);
      assert.ok(held);
      await Promise.all([
        store.grants.saveRefreshed(accountId, 1, samplePair('2'), owner),
        other.grants.markLost(held, owner),
      ]);
      const grant = await store.grants.findById(accountId);
      assert.equal(grant?.generation, 2);
      assert.equal(grant.state, 'active');
    }
  },
} as const satisfies Record<string, ContractTest>;
