import assert from 'node:assert/strict';
import {
  asCanary,
  at,
  backToKey,
  byOAuth,
  setAside,
  withoutGrant,
  type Connection,
  type NewConnection,
} from '../../../src/model/connection.ts';
import { Secret } from '../../../src/runtime/secret.ts';
import type { Store } from '../../../src/store/store.ts';
import { oneOf, rejectsWith, sampleConnection, t0, type ContractTest } from './contract-test.ts';

const full = sampleConnection('acme', {
  accountId: 'AbC123',
  accountName: 'Acme',
  email: 'ops@acme.example',
  name: 'ACME "Ünïcode" 🔑',
  stage: 'attention',
  attentionReason: 'key_invalid',
  attentionFrom: 'checked',
  route: 'canary',
  canaryPercent: 25,
  shadowPercent: 1,
  watchedSinceMs: t0 + 2,
  updatedAtMs: t0 + 2,
});

const key = new Secret('private_key', 'pk_0123456789abcdef');

/** Inserts a connection with its key, and reads it. */
async function insertWithKey(store: Store, connection: NewConnection): Promise<Connection> {
  const { id } = await store.connections.insert(connection);
  await store.privateKeys.put(id, key, t0);
  if (connection.accountId !== undefined) {
    await store.privateKeys.prove(id, key, connection.accountId);
  }
  const found = await store.connections.findById(id);
  assert.ok(found);
  return found;
}

/** Promises of `store.connections`. */
export const connectionCases = {
  async 'connections: a customer has one connection, also when 10 callers insert at once'(
    store,
    openAnother,
  ) {
    const stores = [store, await openAnother()];
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, (_, i) =>
        oneOf(stores, i).connections.insert(sampleConnection('acme', { id: `id-${i}` })),
      ),
    );
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') {
        await rejectsWith(Promise.reject(outcome.reason as Error), 'stage_conflict');
      }
    }
    assert.equal((await Array.fromAsync(store.connections.list())).length, 1);
  },

  async 'connections: an insert that conflicts can be caught inside a transaction'(store) {
    await store.connections.insert(sampleConnection('acme'));
    await store.transaction(async (tx) => {
      await rejectsWith(
        tx.connections.insert(sampleConnection('acme', { id: 'other' })),
        'stage_conflict',
      );
      await tx.connections.insert(sampleConnection('next'));
    });
    assert.ok(await store.connections.findByCustomer('next'));
  },

  async 'connections: what is not there is not found'(store) {
    await store.connections.insert(full);
    assert.equal(await store.connections.findById('nope'), undefined);
    assert.equal(await store.connections.findByCustomer('ACME'), undefined);
    assert.deepEqual(await store.connections.listByAccount('nope'), []);
  },

  async 'connections: every field comes back as it was inserted, at version 1'(store) {
    const expected = { ...full, key: 'held', version: 1 };
    assert.deepEqual(await insertWithKey(store, full), expected);
    assert.deepEqual(await store.connections.findByCustomer('acme'), expected);
    assert.deepEqual(await Array.fromAsync(store.connections.list()), [expected]);
    const live = sampleConnection('live', {
      ...{ stage: 'live', route: 'oauth', liveSinceMs: t0 + 1, watchedSinceMs: t0 + 2 },
    });
    const keyless = { ...live, key: 'none', version: 1 };
    assert.deepEqual(await store.connections.insert(live), keyless);
    assert.deepEqual(await store.connections.findById(live.id), keyless);
  },

  async 'connections: each says whether it has a private key, never had one, or lost it'(store) {
    const connection = sampleConnection('acme', { route: 'oauth', accountId: 'AbC123' });
    const { id } = await store.connections.insert(connection);
    const read = async () => [
      (await store.connections.findById(id))?.key,
      (await store.connections.findByCustomer('acme'))?.key,
      ...(await store.connections.listByAccount('AbC123')).map((each) => each.key),
    ];
    assert.deepEqual(await read(), ['none', 'none', 'none']);
    await store.privateKeys.put(id, key, t0);
    assert.deepEqual(await read(), ['foreign', 'foreign', 'foreign']);
    await store.privateKeys.prove(id, key, 'AbC123');
    assert.deepEqual(await read(), ['held', 'held', 'held']);
    await store.privateKeys.destroy(id, t0);
    assert.deepEqual(await read(), ['destroyed', 'destroyed', 'destroyed']);
    const found = await store.connections.findById(id);
    assert.ok(found);
    const updated = await store.connections.update(found, { name: 'New' }, t0);
    assert.equal(updated.key, 'destroyed');
  },

  async 'connections: one that is to go by a key that is not there goes nowhere'(store) {
    const connection = await store.connections.insert(sampleConnection('acme'));
    assert.equal(connection.route, 'none');
    const live = await store.connections.update(
      connection,
      { at: at('live'), way: byOAuth(connection, t0 + 1) },
      t0 + 1,
    );
    assert.equal(live.route, 'oauth');
    const ended = await store.connections.update(live, { way: withoutGrant(live) }, t0 + 2);
    assert.deepEqual([ended.route, ended.liveSinceMs], ['none', t0 + 1]);
  },

  async 'connections: several customers may share an account'(store) {
    for (const [i, customerId] of ['c', 'a', 'b'].entries()) {
      await store.connections.insert(
        sampleConnection(customerId, { accountId: 'AbC123', createdAtMs: t0 + i }),
      );
    }
    await store.connections.insert(sampleConnection('other', { accountId: 'XyZ789' }));
    const found = await store.connections.listByAccount('AbC123');
    assert.deepEqual(
      found.map(({ customerId }) => customerId),
      ['c', 'a', 'b'],
    );
  },

  async 'connections: an update keeps absent fields, clears undefined ones and raises the version'(
    store,
  ) {
    const before = await insertWithKey(store, full);
    const change = { at: at('checked'), name: 'New', email: undefined };
    const after = await store.connections.update(before, change, t0 + 99);
    assert.deepEqual(after, {
      ...before,
      stage: 'checked',
      attentionReason: undefined,
      attentionFrom: undefined,
      name: 'New',
      email: undefined,
      updatedAtMs: t0 + 99,
      version: 2,
    });
    assert.deepEqual(await store.connections.findById(full.id), after);
  },

  async 'connections: an update can change every field that may change'(store) {
    const before = await insertWithKey(store, sampleConnection('acme', { stage: 'checked' }));
    assert.ok(before.key === 'held');
    const { accountId, accountName, email, name, shadowPercent } = full;
    const details = { accountId, accountName, email, name, shadowPercent };
    assert.ok(
      accountId !== undefined && (await store.privateKeys.prove(before.id, key, accountId)),
    );
    const flagged = setAside(before, 'key_invalid');
    const canary = asCanary(before, 25, t0 + 2);
    const after = await store.connections.update(
      before,
      { ...details, at: flagged, way: canary },
      t0 + 2,
    );
    assert.deepEqual(after, { ...full, key: 'held', version: 2 });
  },

  async 'connections: a way is changed as a whole: nothing of the former one stays behind'(store) {
    const canary = await insertWithKey(store, full);
    assert.ok(canary.key === 'held');
    const byKey = await store.connections.update(canary, { way: backToKey(canary) }, t0 + 3);
    assert.deepEqual(byKey, {
      ...{ ...canary, route: 'key', canaryPercent: undefined, watchedSinceMs: undefined },
      ...{ updatedAtMs: t0 + 3, version: 2 },
    });
    const live = await store.connections.update(byKey, { way: byOAuth(byKey, t0 + 4) }, t0 + 4);
    assert.deepEqual(
      [live.route, live.liveSinceMs, live.watchedSinceMs],
      ['oauth', t0 + 4, t0 + 4],
    );
  },

  async 'connections: an update over a stale version is refused and changes nothing'(store) {
    const first = await store.connections.insert(sampleConnection('acme'));
    const second = await store.connections.update(first, { at: at('checked') }, t0 + 1);
    await rejectsWith(
      store.connections.update(first, { at: at('invited') }, t0 + 2),
      'stage_conflict',
    );
    assert.deepEqual(await store.connections.findById(first.id), second);
  },

  async 'connections: of 10 updates over one version, exactly one wins'(store, openAnother) {
    const stores = [store, await openAnother()];
    const before = await store.connections.insert(sampleConnection('acme'));
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, (_, i) =>
        oneOf(stores, i).connections.update(before, { name: `writer ${i}` }, t0 + i),
      ),
    );
    const winners = outcomes.filter((outcome) => outcome.status === 'fulfilled');
    assert.equal(winners.length, 1);
    assert.deepEqual(await store.connections.findById(before.id), winners[0]?.value);
  },

  async 'connections: a list is ordered by customer id, byte by byte, over many pages'(store) {
    const ids = Array.from({ length: 450 }, (_, i) => `c${(i * 7919) % 450}`);
    ids.push('A', 'B', 'a-b', 'a_b', 'Z', 'é', 'z', '🔑', '0', 'a b');
    await store.transaction(async (tx) => {
      for (const id of ids) await tx.connections.insert(sampleConnection(id));
    });
    const listed = (await Array.fromAsync(store.connections.list())).map(
      ({ customerId }) => customerId,
    );
    const byBytes = [...ids].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    assert.deepEqual(listed, byBytes);
  },

  async 'connections: a list can be changed while it is being read'(store) {
    for (let i = 0; i < 300; i += 1) {
      await store.connections.insert(sampleConnection(`c${String(i).padStart(3, '0')}`));
    }
    let changed = 0;
    for await (const connection of store.connections.list({ stages: ['imported'] })) {
      await store.connections.update(connection, { at: at('checked') }, t0 + 1);
      changed += 1;
    }
    assert.equal(changed, 300);
    assert.deepEqual(await Array.fromAsync(store.connections.list({ stages: ['imported'] })), []);
  },

  async 'connections: a list takes stages, customer and account, all of which must match'(store) {
    await store.connections.insert(sampleConnection('a', { stage: 'live', accountId: 'One111' }));
    await store.connections.insert(sampleConnection('b', { stage: 'live', accountId: 'Two222' }));
    await store.connections.insert(sampleConnection('c', { stage: 'quiet', accountId: 'One111' }));
    const list = async (filter: Parameters<typeof store.connections.list>[0]) =>
      (await Array.fromAsync(store.connections.list(filter))).map(({ customerId }) => customerId);
    assert.deepEqual(await list({}), ['a', 'b', 'c']);
    assert.deepEqual(await list({ stages: ['live'] }), ['a', 'b']);
    assert.deepEqual(await list({ stages: ['live', 'quiet'] }), ['a', 'b', 'c']);
    assert.deepEqual(await list({ stages: ['live'], accountId: 'One111' }), ['a']);
    assert.deepEqual(await list({ customerId: 'b' }), ['b']);
    assert.deepEqual(await list({ customerId: 'b', stages: ['quiet'] }), []);
    assert.deepEqual(await list({ stages: [] }), []);
  },

  async 'connections: counts go by stage, reason and route'(store) {
    assert.deepEqual(await store.connections.countByStage(), []);
    for (const id of ['a', 'b']) {
      await store.connections.insert(sampleConnection(id, { stage: 'live', route: 'oauth' }));
    }
    await store.connections.insert(sampleConnection('c', { stage: 'live', route: 'key' }));
    await store.connections.insert(full);
    const counts = await store.connections.countByStage();
    const sorted = counts.toSorted((a, b) =>
      `${a.stage}${a.route}`.localeCompare(`${b.stage}${b.route}`),
    );
    assert.deepEqual(sorted, [
      { stage: 'attention', attentionReason: 'key_invalid', route: 'canary', count: 1 },
      { stage: 'live', attentionReason: undefined, route: 'key', count: 1 },
      { stage: 'live', attentionReason: undefined, route: 'oauth', count: 2 },
    ]);
  },
} as const satisfies Record<string, ContractTest>;
