import assert from 'node:assert/strict';
import type { RefreshFailure } from '../../../src/model/grant.ts';
import type { Store } from '../../../src/store/store.ts';
import { loseGrant, oneOf, reveal, samplePair, t0, type ContractTest } from './contract-test.ts';

const key = { clientId: 'client', accountId: 'AbC123' };
const secret = samplePair('late').refreshToken;

const failure: RefreshFailure = {
  code: 'upstream_unavailable',
  message: 'The token endpoint gave no verdict.',
  atMs: t0 + 10,
  retryAtMs: t0 + 5_000,
  count: 2,
};

async function withGrant(store: Store, id = 'g1', accountId = key.accountId) {
  await store.grants.saveConsent({ ...key, accountId, id }, samplePair(id));
}

function acquire(store: Store, owner: string, nowMs = t0, generation = 1) {
  return store.grants.acquireLease('g1', {
    generation,
    owner,
    nowMs,
    expiresAtMs: nowMs + 1_000,
  });
}

/** Promises of the leases of `store.grants`. */
export const grantLeaseCases = {
  async 'leases: what is not there, not active or of another generation is not leased'(store) {
    assert.equal(await acquire(store, 'a'), undefined);
    assert.equal(await store.grants.readLease('g1'), undefined);
    assert.equal(await store.grants.releaseLease('g1', 'a'), false);
    await withGrant(store);
    assert.equal(await acquire(store, 'a', t0, 2), undefined);
    await loseGrant(store, 'g1');
    assert.equal(await acquire(store, 'a'), undefined);
  },

  async 'leases: of 20 callers at once exactly one holds it, and its owner may take it again'(
    store,
    openAnother,
  ) {
    const stores = [store, await openAnother()];
    await withGrant(store);
    const held = await Promise.all(
      Array.from({ length: 20 }, (_, i) => acquire(oneOf(stores, i), `owner-${i}`)),
    );
    const owner = held.findIndex((grant) => grant !== undefined);
    assert.equal(held.filter((grant) => grant !== undefined).length, 1);
    assert.equal(reveal(held[owner]?.refreshToken), 'refresh-token-g1');
    assert.equal((await store.grants.readLease('g1'))?.owner, `owner-${owner}`);
    assert.ok(await acquire(store, `owner-${owner}`, t0 + 500));
  },

  async 'leases: one that has ended is free for the next'(store) {
    await withGrant(store);
    assert.ok(await acquire(store, 'a'));
    assert.equal(await acquire(store, 'b', t0 + 999), undefined);
    assert.ok(await acquire(store, 'b', t0 + 1_000));
    assert.equal(await store.grants.releaseLease('g1', 'a'), false);
    assert.equal((await store.grants.readLease('g1'))?.owner, 'b');
  },

  async 'leases: a holder that comes late saves nothing and loses nobody'(store) {
    await withGrant(store);
    const late = await acquire(store, 'late');
    assert.ok(late);
    await acquire(store, 'next', t0 + 1_000);
    assert.equal(await store.grants.saveRefreshed('g1', 1, samplePair('x'), 'late'), undefined);
    assert.equal(await store.grants.markLost(late, 'late'), false);
    assert.ok(await store.grants.keepForRecovery('g1', 1, secret));
    const stored = await store.grants.findById('g1');
    assert.equal(reveal(stored?.refreshToken), 'refresh-token-g1');
    assert.equal(reveal(stored?.previousRefreshToken), reveal(secret));

    const saved = await store.grants.saveRefreshed('g1', 1, samplePair('next'), 'next');
    assert.equal(saved?.generation, 2);
    assert.equal((await store.grants.readLease('g1'))?.owner, undefined);
    assert.equal(await store.grants.keepForRecovery('g1', 1, secret), false);
  },

  async 'leases: a revocation passes whoever holds the lease'(store) {
    await withGrant(store);
    await acquire(store, 'a');
    assert.equal(await store.grants.markRevoked('g1', 1), true);
    assert.equal((await store.grants.readLease('g1'))?.owner, undefined);
  },

  async 'leases: a failure is told to those who wait, until a pair is saved'(store) {
    await withGrant(store);
    await acquire(store, 'a');
    assert.ok(await store.grants.releaseLease('g1', 'a', failure));
    assert.deepEqual((await store.grants.readLease('g1'))?.failure, failure);
    assert.deepEqual((await store.grants.findById('g1'))?.failure, failure);
    await store.grants.saveRefreshed('g1', 1, samplePair('2'));
    assert.equal((await store.grants.readLease('g1'))?.failure, undefined);
  },

  async 'leases: two sweepers never claim the same grant, and claim the longest overdue first'(
    store,
    openAnother,
  ) {
    const stores = [store, await openAnother()];
    for (let i = 0; i < 30; i += 1) await withGrant(store, `g${i}`, `acc${i}`);
    await withGrant(store, 'other', 'other');
    await loseGrant(store, 'other');
    const nowMs = t0 + 100 * 86_400_000;
    const claim = (i: number) =>
      oneOf(stores, i).grants.claimDue({
        clientId: 'client',
        owner: `sweeper-${i}`,
        nowMs,
        leaseExpiresAtMs: nowMs + 1_000,
        limit: 10,
      });
    const claimed = (await Promise.all([claim(0), claim(1), claim(2), claim(3)])).flat();
    const rest = await claim(4);
    const ids = [...claimed, ...rest].map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length);
    assert.ok(ids.length <= 30 && !ids.includes('other'));
    assert.deepEqual(await claim(5).then((more) => more.length + ids.length), 30);
  },

  async 'leases: one who holds none leaves no failure, and who dies is found when it ends'(store) {
    await withGrant(store, 'g1');
    const lease = { generation: 1, owner: 'one', nowMs: t0, expiresAtMs: t0 + 1_000 };
    assert.ok(await store.grants.acquireLease('g1', lease));
    const times = { atMs: t0, retryAtMs: t0, count: 1 };
    const failure = { code: 'upstream_timeout', message: '', ...times } as const;
    assert.equal(await store.grants.releaseLease('g1', 'another', failure), false);
    assert.equal((await store.grants.readLease('g1'))?.owner, 'one');
    const claim = { clientId: 'client', owner: 's', leaseExpiresAtMs: t0 + 9e9, limit: 10 };
    assert.equal((await store.grants.claimDue({ ...claim, nowMs: t0 + 1_000 })).length, 1);
  },

  async 'leases: what is not due is not claimed, and the forecast counts both'(store) {
    await withGrant(store, 'g1');
    const request = { clientId: 'client', owner: 's', leaseExpiresAtMs: t0 + 9e9, limit: 10 };
    assert.deepEqual(await store.grants.claimDue({ ...request, nowMs: t0 }), []);
    assert.deepEqual(await store.grants.forecast('client', t0), { grants: 1, due: 0 });
    assert.deepEqual(await store.grants.forecast('client', t0 + 9e9), { grants: 1, due: 1 });
    assert.deepEqual(await store.grants.forecast('another', t0), { grants: 0, due: 0 });
  },
} satisfies Record<string, ContractTest>;
