import assert from 'node:assert/strict';
import { t0, type ContractTest } from './contract-test.ts';

/** Promises of `store.switches`. */
export const switchCases = {
  async 'switches: one that was never set has no value'(store) {
    assert.equal(await store.switches.get('route'), undefined);
    assert.equal(await store.switches.describe('route'), undefined);
    await store.switches.set('route', undefined, t0, 'cli');
    assert.equal(await store.switches.get('route'), undefined);
  },

  async 'switches: a value is seen by every process, replaced and unset'(store, openAnother) {
    const other = await openAnother();
    await store.switches.set('route', 'key', t0, 'cli');
    await store.switches.set('unrelated', 'x', t0, 'cli');
    assert.equal(await other.switches.get('route'), 'key');
    await other.switches.set('route', 'oauth', t0 + 1, 'console');
    assert.deepEqual(await store.switches.describe('route'), {
      value: 'oauth',
      changedAtMs: t0 + 1,
      actor: 'console',
    });
    await store.switches.set('route', undefined, t0 + 2, 'cli');
    assert.equal(await other.switches.get('route'), undefined);
    assert.equal(await other.switches.get('unrelated'), 'x');
  },
} as const satisfies Record<string, ContractTest>;
