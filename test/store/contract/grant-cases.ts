import assert from 'node:assert/strict';
import { Secret } from '../../../src/runtime/secret.ts';
import type { Grant } from '../../../src/model/grant.ts';
import type { GrantKey } from '../../../src/store/grants.ts';
import type { Store } from '../../../src/store/store.ts';
import { loseGrant, reveal, samplePair, t0, type ContractTest } from './contract-test.ts';

const key: GrantKey = { clientId: 'client', accountId: 'AbC123' };
const refreshToken = (name: string) => new Secret('refresh_token', `refresh-token-${name}`);

/** A grant with its secrets in clear, so that it can be compared. */
function inClear(grant: Grant | undefined) {
  if (!grant) return undefined;
  const { failure, ...fields } = grant;
  return {
    ...fields,
    ...(failure ? { failure } : {}),
    accessToken: reveal(grant.accessToken),
    refreshToken: reveal(grant.refreshToken),
    previousRefreshToken: reveal(grant.previousRefreshToken),
  };
}

async function assertStored(store: Store, grant: Grant | undefined): Promise<void> {
  assert.ok(grant);
  assert.deepEqual(inClear(await store.grants.findById(grant.id)), inClear(grant));
}

/** Promises of `store.grants`, one caller at a time. */
export const grantCases = {
  async 'grants: what is not there is not found, refreshed or marked'(store) {
    assert.equal(await store.grants.findById('nope'), undefined);
    assert.equal(await store.grants.find(key), undefined);
    assert.equal(await store.grants.findByRefreshToken('client', refreshToken('x')), undefined);
    assert.equal(await store.grants.saveRefreshed('nope', 1, samplePair('x')), undefined);
    assert.equal(await loseGrant(store, 'nope', 1), false);
  },

  async 'grants: a first consent inserts an active grant of generation 1'(store) {
    const saved = await store.grants.saveConsent({ ...key, id: 'g1' }, samplePair('1'));
    const expected = {
      id: 'g1',
      ...key,
      state: 'active',
      accessToken: 'access-token-1',
      refreshToken: 'refresh-token-1',
      previousRefreshToken: undefined,
      scope: 'accounts:read profiles:read',
      expiresAtMs: t0 + 3_600_000,
      obtainedAtMs: t0,
      consentedAtMs: t0,
      generation: 1,
    };
    assert.deepEqual(inClear(saved), expected);
    assert.deepEqual(inClear(await store.grants.find(key)), expected);
    assert.deepEqual(inClear(await store.grants.findById('g1')), expected);
    assert.equal(await store.grants.find({ ...key, clientId: 'other' }), undefined);
    assert.equal(await store.grants.find({ ...key, accountId: 'XyZ789' }), undefined);
  },

  async 'grants: a second consent replaces the pair in place and keeps the former refresh token'(
    store,
  ) {
    await store.grants.saveConsent({ ...key, id: 'g1' }, samplePair('1'));
    await loseGrant(store, 'g1', 1);
    const second = samplePair('2', {
      scope: 'accounts:read',
      expiresAtMs: undefined,
      obtainedAtMs: t0 + 50,
    });
    const saved = await store.grants.saveConsent({ ...key, id: 'g2' }, second);
    assert.deepEqual(inClear(saved), {
      id: 'g1',
      ...key,
      state: 'active',
      accessToken: 'access-token-2',
      refreshToken: 'refresh-token-2',
      previousRefreshToken: 'refresh-token-1',
      scope: 'accounts:read',
      expiresAtMs: undefined,
      obtainedAtMs: t0 + 50,
      consentedAtMs: t0 + 50,
      generation: 2,
    });
    await assertStored(store, saved);
    assert.equal(await store.grants.findById('g2'), undefined);
  },

  async 'grants: a refresh saves the next generation and keeps consent time and former token'(
    store,
  ) {
    const first = await store.grants.saveConsent({ ...key, id: 'g1' }, samplePair('1'));
    const pair = samplePair('2', { obtainedAtMs: t0 + 60, expiresAtMs: t0 + 99 });
    const saved = await store.grants.saveRefreshed('g1', 1, pair);
    assert.deepEqual(inClear(saved), {
      ...inClear(first),
      accessToken: 'access-token-2',
      refreshToken: 'refresh-token-2',
      previousRefreshToken: 'refresh-token-1',
      obtainedAtMs: t0 + 60,
      expiresAtMs: t0 + 99,
      generation: 2,
    });
    await assertStored(store, saved);
  },

  async 'grants: a refresh that answers the same refresh token keeps the one before it'(store) {
    await store.grants.saveConsent({ ...key, id: 'g1' }, samplePair('1'));
    await store.grants.saveRefreshed('g1', 1, samplePair('2'));
    const same = samplePair('3', { refreshToken: refreshToken('2') });
    const saved = await store.grants.saveRefreshed('g1', 2, same);
    assert.equal(reveal(saved?.accessToken), 'access-token-3');
    assert.equal(reveal(saved?.refreshToken), 'refresh-token-2');
    assert.equal(reveal(saved?.previousRefreshToken), 'refresh-token-1');
    await assertStored(store, saved);
  },

  async 'grants: a refresh over an older generation changes nothing'(store) {
    await store.grants.saveConsent({ ...key, id: 'g1' }, samplePair('1'));
    const newer = await store.grants.saveRefreshed('g1', 1, samplePair('2'));
    assert.equal(await store.grants.saveRefreshed('g1', 1, samplePair('late')), undefined);
    assert.equal(await store.grants.saveRefreshed('g1', 3, samplePair('early')), undefined);
    await assertStored(store, newer);
  },

  async 'grants: a refresh that succeeds brings a lost grant back, but not a revoked one'(store) {
    await store.grants.saveConsent({ ...key, id: 'g1' }, samplePair('1'));
    assert.equal(await loseGrant(store, 'g1', 1), true);
    assert.equal((await store.grants.saveRefreshed('g1', 1, samplePair('2')))?.state, 'active');
    assert.equal(await store.grants.markRevoked('g1', 2), true);
    const saved = await store.grants.saveRefreshed('g1', 2, samplePair('3'));
    assert.equal(saved?.state, 'revoked');
    await assertStored(store, saved);
  },

  async 'grants: a state is marked once, and only over the generation that it was seen at'(store) {
    await store.grants.saveConsent({ ...key, id: 'g1' }, samplePair('1'));
    await store.grants.saveRefreshed('g1', 1, samplePair('2'));
    assert.equal(await loseGrant(store, 'g1', 1), false);
    assert.equal((await store.grants.find(key))?.state, 'active');
    assert.equal(await loseGrant(store, 'g1', 2), true);
    assert.equal(await loseGrant(store, 'g1', 2), false);
    assert.equal(await store.grants.markRevoked('g1', 2), true);
    assert.equal(await loseGrant(store, 'g1', 2), false);
    const marked = await store.grants.find(key);
    assert.equal(marked?.state, 'revoked');
    assert.equal(marked.generation, 2);
    assert.equal(reveal(marked.refreshToken), 'refresh-token-2');
  },

  async 'grants: a set-aside grant serves nothing and stands in nobody’s way'(store) {
    const aside = await store.grants.setAside({ ...key, id: 'aside' }, samplePair('aside'));
    assert.equal(aside.state, 'set_aside');
    await assertStored(store, aside);
    assert.equal(await store.grants.find(key), undefined);
    assert.equal(await store.grants.findByRefreshToken('client', refreshToken('aside')), undefined);
    assert.deepEqual(await store.grants.forecast('client', t0 + 1e12), { grants: 0, due: 0 });
    assert.equal(await loseGrant(store, 'aside', 1), false);

    const real = await store.grants.saveConsent({ ...key, id: 'g1' }, samplePair('1'));
    assert.equal(real.id, 'g1');
    await store.grants.setAside({ ...key, id: 'aside-2' }, samplePair('aside-2'));
    assert.deepEqual(inClear(await store.grants.find(key)), inClear(real));
    await assertStored(store, aside);
  },

  async 'grants: a grant is found by its current and its previous refresh token'(store) {
    await store.grants.saveConsent({ ...key, id: 'g1' }, samplePair('1'));
    await store.grants.saveRefreshed('g1', 1, samplePair('2'));
    await store.grants.saveRefreshed('g1', 2, samplePair('3'));
    const find = async (name: string, clientId = 'client') =>
      (await store.grants.findByRefreshToken(clientId, refreshToken(name)))?.id;
    assert.equal(await find('3'), 'g1');
    assert.equal(await find('2'), 'g1');
    assert.equal(await find('1'), undefined);
    assert.equal(await find('3', 'other-client'), undefined);
    await loseGrant(store, 'g1', 3);
    assert.equal(await find('3'), 'g1');
  },

  async 'grants: whoever holds a refresh token now comes before whoever held it before'(store) {
    await store.grants.saveConsent({ ...key, id: 'g1' }, samplePair('shared'));
    await store.grants.saveRefreshed('g1', 1, samplePair('2'));
    const other = { clientId: 'client', accountId: 'XyZ789', id: 'g2' };
    await store.grants.saveConsent(other, samplePair('shared'));
    const found = await store.grants.findByRefreshToken('client', refreshToken('shared'));
    assert.equal(found?.id, 'g2');
  },

  async 'grants: tokens of any length and script come back as they were'(store) {
    const long = 'ä🔑-'.repeat(25_000);
    const pair = samplePair('x', {
      accessToken: new Secret('access_token', long),
      refreshToken: new Secret('refresh_token', `${long}r`),
      scope: '',
    });
    await store.grants.saveConsent({ ...key, id: 'g1' }, pair);
    const found = await store.grants.findByRefreshToken('client', pair.refreshToken);
    assert.equal(found?.accessToken.reveal() === long, true);
    assert.equal(found?.scope, '');
  },
} as const satisfies Record<string, ContractTest>;
