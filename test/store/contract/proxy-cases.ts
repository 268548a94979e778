import assert from 'node:assert/strict';
import { Secret } from '../../../src/runtime/secret.ts';
import type { KeySighting } from '../../../src/store/observations.ts';
import type { ShadowResult } from '../../../src/store/observations.ts';
import { sampleConnection, t0, type ContractTest } from './contract-test.ts';

const sighting = (fields: Partial<KeySighting> = {}): KeySighting => ({
  connectionId: 'c1',
  source: '10.0.0.7',
  userAgent: 'shop/1.0',
  operation: 'get_profiles',
  calls: 1,
  firstSeenAtMs: t0,
  lastSeenAtMs: t0,
  ...fields,
});

const result = (fields: Partial<ShadowResult> = {}): ShadowResult => ({
  connectionId: 'c1',
  operation: 'get_profiles',
  compared: 1,
  different: 0,
  lastComparedAtMs: t0,
  lastDifferentAtMs: undefined,
  lastDifference: undefined,
  ...fields,
});

/** Promises of what the proxy obeys and reports. */
export const proxyCases = {
  async 'route exceptions: are listed, replaced and removed, for all and for one'(store) {
    const { routeExceptions } = store;
    const all = { connectionId: undefined, operation: 'get_lists', createdAtMs: t0, actor: 'cli' };
    await routeExceptions.put({ ...all, route: 'oauth' });
    await routeExceptions.put({ ...all, connectionId: 'c1', route: 'key' });
    await routeExceptions.put({ ...all, route: 'key', createdAtMs: t0 + 1 });
    assert.deepEqual(await routeExceptions.list(), [
      { ...all, route: 'key', createdAtMs: t0 + 1 },
      { ...all, connectionId: 'c1', route: 'key' },
    ]);
    assert.equal(await routeExceptions.remove('get_lists', 'c2'), false);
    assert.equal(await routeExceptions.remove('get_lists'), true);
    assert.equal(await routeExceptions.remove('get_lists', 'c1'), true);
    assert.deepEqual(await routeExceptions.list(), []);
  },

  async 'key sightings: the same caller adds up, and keeps when it was seen first'(store) {
    await store.keySightings.add([sighting(), sighting({ operation: 'get_lists' })]);
    const later = { firstSeenAtMs: t0 + 9, lastSeenAtMs: t0 + 9 };
    await store.keySightings.add([sighting({ calls: 4, ...later })]);
    await store.keySightings.add([sighting({ firstSeenAtMs: t0 + 5, lastSeenAtMs: t0 + 5 })]);
    assert.deepEqual(await store.keySightings.list(t0), [
      sighting({ calls: 6, lastSeenAtMs: t0 + 9 }),
      sighting({ operation: 'get_lists' }),
    ]);
    assert.equal((await store.keySightings.list(t0 + 1)).length, 1);
    assert.deepEqual(await store.keySightings.list(t0, 'c2'), []);
    assert.equal(await store.keySightings.purge(t0 + 1), 1);
    assert.equal((await store.keySightings.list(0)).length, 1);
  },

  async 'shadow results: comparisons add up, and the last difference stays'(store) {
    await store.shadow.add([
      result({ different: 1, lastDifferentAtMs: t0, lastDifference: 'status 200 and 403' }),
      result({ connectionId: 'c2' }),
    ]);
    await store.shadow.add([result({ compared: 3, lastComparedAtMs: t0 + 1 })]);
    const known = result({
      compared: 4,
      different: 1,
      lastComparedAtMs: t0 + 1,
      lastDifferentAtMs: t0,
      lastDifference: 'status 200 and 403',
    });
    assert.deepEqual(await store.shadow.list('c1'), [known]);
    assert.equal((await store.shadow.list()).length, 2);
    await store.shadow.clear('c1');
    assert.deepEqual(await store.shadow.list(), [result({ connectionId: 'c2' })]);
    await store.shadow.clear();
    assert.deepEqual(await store.shadow.list(), []);
  },

  async 'private keys: one that was destroyed names its caller until it is forgotten'(store) {
    const key = new Secret('private_key', 'pk_to_be_forgotten');
    await store.connections.insert(sampleConnection('acme'));
    await store.privateKeys.put('connection-acme', key, t0);
    assert.equal(await store.privateKeys.forget('connection-acme'), false);
    assert.deepEqual(await store.privateKeys.findConnectionIds(key), ['connection-acme']);
    await store.privateKeys.destroy('connection-acme', t0 + 1);
    assert.deepEqual(await store.privateKeys.findConnectionIds(key), ['connection-acme']);
    assert.equal(await store.privateKeys.forget('connection-acme'), true);
    assert.deepEqual(await store.privateKeys.findConnectionIds(key), []);
    assert.equal((await store.privateKeys.info('connection-acme'))?.destroyedAtMs, t0 + 1);
    assert.equal(await store.privateKeys.forget('connection-acme'), false);
  },
} as const satisfies Record<string, ContractTest>;
