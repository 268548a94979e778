import assert from 'node:assert/strict';
import {
  rejectsWith,
  sampleConnection,
  sampleInvitation,
  t0,
  type ContractTest,
} from './contract-test.ts';

/** Promises of `store.labels` and `store.optOuts`. */
export const labelCases = {
  'labels: of no connection are refused': async (store) => {
    await rejectsWith(store.labels.put('nope', { plan: 'pro' }), 'connection_not_found');
  },

  'labels: are added, replaced and removed, and tell whether anything changed': async (store) => {
    const { id } = await store.connections.insert(sampleConnection('one'));
    assert.deepEqual(await store.labels.of(id), {});
    assert.equal(await store.labels.put(id, {}), false);
    assert.equal(await store.labels.put(id, { plan: 'pro', region: 'eu' }), true);
    assert.equal(await store.labels.put(id, { plan: 'pro' }), false);
    assert.equal(await store.labels.put(id, { plan: 'free', region: '' }), true);
    assert.equal(await store.labels.put(id, { region: '' }), false);
    assert.deepEqual(await store.labels.of(id), { plan: 'free' });
  },

  'labels: choose connections, all of them together, and with a stage and a wave': async (
    store,
  ) => {
    for (const [customer, plan, region] of [
      ['a', 'pro', 'eu'],
      ['b', 'pro', 'us'],
      ['c', 'free', 'eu'],
    ] as const) {
      const { id } = await store.connections.insert(
        sampleConnection(customer, { stage: customer === 'b' ? 'checked' : 'imported' }),
      );
      await store.labels.put(id, { plan, region });
      await store.invitations.insert(
        sampleInvitation(`i-${customer}`, id, customer === 'c' ? {} : { wave: 'spring' }),
      );
    }
    const customers = async (filter: Parameters<typeof store.connections.list>[0]) =>
      (await Array.fromAsync(store.connections.list(filter))).map(({ customerId }) => customerId);
    assert.deepEqual(await customers({ labels: { plan: 'pro' } }), ['a', 'b']);
    assert.deepEqual(await customers({ labels: { plan: 'pro', region: 'eu' } }), ['a']);
    assert.deepEqual(await customers({ labels: { plan: 'pro' }, stages: ['checked'] }), ['b']);
    assert.deepEqual(await customers({ labels: { plan: 'none' } }), []);
    assert.deepEqual(await customers({ wave: 'spring' }), ['a', 'b']);
    assert.deepEqual(await store.labels.count('plan'), [
      { value: 'pro', count: 2 },
      { value: 'free', count: 1 },
    ]);
  },

  'opt-outs: an address is known whatever its case, and recorded once': async (store) => {
    assert.equal(await store.optOuts.has('ada@acme.example'), false);
    await store.optOuts.add('Ada@Acme.example', t0, 'mail');
    await store.optOuts.add('ada@acme.example', t0 + 1, 'mail');
    assert.equal(await store.optOuts.has('ADA@acme.example'), true);
    assert.equal(await store.optOuts.count(), 1);
  },
} as const satisfies Record<string, ContractTest>;
