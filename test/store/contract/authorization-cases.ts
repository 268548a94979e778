import assert from 'node:assert/strict';
import { oneOf, reveal, sampleAuthorization, t0, type ContractTest } from './contract-test.ts';

/** Promises of `store.authorizations`. */
export const authorizationCases = {
  async 'authorizations: an unknown state is neither found nor consumed'(store) {
    assert.equal(await store.authorizations.find('nope'), undefined);
    assert.equal(await store.authorizations.consume('nope', t0), false);
  },

  async 'authorizations: a state is never taken twice'(store) {
    await store.authorizations.insert(sampleAuthorization('a', { customerId: 'first' }));
    await assert.rejects(
      store.authorizations.insert(sampleAuthorization('a', { customerId: 'second' })),
    );
    assert.equal((await store.authorizations.find('a'))?.customerId, 'first');
  },

  async 'authorizations: every field comes back as it was inserted'(store) {
    const full = sampleAuthorization('full', {
      invitationId: 'inv-1',
      customerId: 'acme',
      consumedAtMs: t0 + 1,
    });
    const sparse = sampleAuthorization('sparse');
    for (const authorization of [full, sparse]) {
      await store.authorizations.insert(authorization);
      const found = await store.authorizations.find(authorization.stateHash);
      assert.ok(found);
      const { codeVerifier: foundVerifier, ...foundRest } = found;
      const { codeVerifier, ...rest } = authorization;
      assert.deepEqual(foundRest, rest);
      assert.equal(reveal(foundVerifier), reveal(codeVerifier));
      assert.equal(foundVerifier.kind, 'code_verifier');
    }
  },

  async 'authorizations: of 20 callers that consume one attempt, exactly one wins'(
    store,
    openAnother,
  ) {
    const stores = [store, await openAnother()];
    await store.authorizations.insert(sampleAuthorization('a'));
    await store.authorizations.insert(sampleAuthorization('b'));
    const wins = await Promise.all(
      Array.from({ length: 20 }, (_, i) => oneOf(stores, i).authorizations.consume('a', t0 + 7)),
    );
    assert.equal(wins.filter((won) => won).length, 1);
    assert.equal((await store.authorizations.find('a'))?.consumedAtMs, t0 + 7);
    assert.equal(await store.authorizations.consume('a', t0 + 8), false);
    assert.equal((await store.authorizations.find('a'))?.consumedAtMs, t0 + 7);
    assert.equal((await store.authorizations.find('b'))?.consumedAtMs, undefined);
  },

  async 'authorizations: a purge deletes what expired before a time and answers how many'(store) {
    for (const expiresIn of [10, 20, 30, 40]) {
      await store.authorizations.insert(
        sampleAuthorization(`s${expiresIn}`, { expiresAtMs: t0 + expiresIn }),
      );
    }
    await store.authorizations.consume('s10', t0);
    assert.equal(await store.authorizations.purge(t0 + 30), 2);
    assert.equal(await store.authorizations.purge(t0 + 30), 0);
    assert.equal(await store.authorizations.find('s10'), undefined);
    assert.equal(await store.authorizations.find('s20'), undefined);
    assert.ok(await store.authorizations.find('s30'));
    assert.ok(await store.authorizations.find('s40'));
  },
} as const satisfies Record<string, ContractTest>;
