import assert from 'node:assert/strict';
import { oneOf, sampleAuthorization, t0, type ContractTest } from './contract-test.ts';

/** Promises of `store.authorizations`. */
export const authorizationCases = {
  async 'authorizations: an unknown state is not found, and has no result'(store) {
    await store.authorizations.finish('nope', 'the end');
    assert.equal(await store.authorizations.find('nope'), undefined);
  },

  async 'authorizations: every field comes back as it was kept'(store) {
    const full = sampleAuthorization('full', {
      invitationId: 'inv-1',
      customerId: 'acme',
      consumedAtMs: t0 + 1,
      result: '{"end":"é"}',
    });
    const sparse = sampleAuthorization('sparse');
    for (const attempt of [full, sparse]) {
      assert.equal(await store.authorizations.consume(attempt), true);
      assert.deepEqual(await store.authorizations.find(attempt.stateHash), attempt);
    }
  },

  async 'authorizations: a result is kept for its own attempt'(store) {
    await store.authorizations.consume(sampleAuthorization('a'));
    await store.authorizations.consume(sampleAuthorization('b'));
    await store.authorizations.finish('a', 'the end');
    assert.equal((await store.authorizations.find('a'))?.result, 'the end');
    assert.equal((await store.authorizations.find('b'))?.result, undefined);
  },

  async 'authorizations: of 20 callers that consume one attempt, exactly one wins'(
    store,
    openAnother,
  ) {
    const stores = [store, await openAnother()];
    const wins = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        oneOf(stores, i).authorizations.consume(
          sampleAuthorization('a', { customerId: `customer-${i}` }),
        ),
      ),
    );
    assert.equal(wins.filter((won) => won).length, 1);
    const winner = `customer-${wins.indexOf(true)}`;
    assert.equal((await store.authorizations.find('a'))?.customerId, winner);
    assert.equal(await store.authorizations.consume(sampleAuthorization('a')), false);
    assert.equal((await store.authorizations.find('a'))?.customerId, winner);
    assert.equal(await store.authorizations.consume(sampleAuthorization('b')), true);
  },

  async 'authorizations: a purge deletes what expired before a time and answers how many'(store) {
    for (const expiresIn of [10, 20, 30, 40]) {
      await store.authorizations.consume(
        sampleAuthorization(`s${expiresIn}`, { expiresAtMs: t0 + expiresIn }),
      );
    }
    assert.equal(await store.authorizations.purge(t0 + 30), 2);
    assert.equal(await store.authorizations.purge(t0 + 30), 0);
    assert.equal(await store.authorizations.find('s10'), undefined);
    assert.equal(await store.authorizations.find('s20'), undefined);
    assert.ok(await store.authorizations.find('s30'));
    assert.ok(await store.authorizations.find('s40'));
  },
} as const satisfies Record<string, ContractTest>;
