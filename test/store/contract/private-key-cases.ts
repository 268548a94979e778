import assert from 'node:assert/strict';
import type { Connection } from '../../../src/model/connection.ts';
import { Secret } from '../../../src/runtime/secret.ts';
import { rejectsWith, reveal, sampleConnection, t0, type ContractTest } from './contract-test.ts';

const key = (value: string) => new Secret('private_key', value);
const one = 'connection-one';
const two = 'connection-two';

const withConnections =
  (test: ContractTest): ContractTest =>
  async (store, openAnother) => {
    await store.connections.insert(sampleConnection('one'));
    await store.connections.insert(sampleConnection('two'));
    await test(store, openAnother);
  };

/** Promises of `store.privateKeys`. */
export const privateKeyCases = {
  'private keys: a key of no connection is refused': async (store) => {
    await rejectsWith(store.privateKeys.put('nope', key('pk_a'), t0), 'connection_not_found');
  },

  'private keys: a connection without a key has none': withConnections(async (store) => {
    assert.equal(await store.privateKeys.open(one), undefined);
    assert.equal(await store.privateKeys.info(one), undefined);
    assert.deepEqual(await store.privateKeys.findConnectionIds(key('pk_a')), []);
    await store.privateKeys.markUsed(one, t0);
    await store.privateKeys.destroy(one, t0);
    assert.equal(await store.privateKeys.info(one), undefined);
  }),

  'private keys: a key opens to what was put, and is found by its value': withConnections(
    async (store) => {
      await store.privateKeys.put(one, key('pk_a'), t0);
      assert.equal(reveal(await store.privateKeys.open(one)), 'pk_a');
      assert.equal((await store.privateKeys.open(one))?.kind, 'private_key');
      assert.deepEqual(await store.privateKeys.info(one), {
        connectionId: one,
        present: true,
        accountId: undefined,
        createdAtMs: t0,
        lastUsedAtMs: undefined,
        destroyedAtMs: undefined,
      });
      assert.deepEqual(await store.privateKeys.findConnectionIds(key('pk_a')), [one]);
      assert.deepEqual(await store.privateKeys.findConnectionIds(key('pk_A')), []);
    },
  ),

  'private keys: connections that share a key are found in order of creation': withConnections(
    async (store) => {
      await store.privateKeys.put(two, key('pk_shared'), t0);
      await store.privateKeys.put(one, key('pk_shared'), t0 + 1);
      assert.deepEqual(await store.privateKeys.findConnectionIds(key('pk_shared')), [two, one]);
    },
  ),

  'private keys: a second process finds and opens the same keys': withConnections(
    async (store, openAnother) => {
      await store.privateKeys.put(one, key('pk_a'), t0);
      const other = await openAnother();
      assert.deepEqual(await other.privateKeys.findConnectionIds(key('pk_a')), [one]);
      assert.equal(reveal(await other.privateKeys.open(one)), 'pk_a');
    },
  ),

  'private keys: a new key replaces the earlier one and what was known of it': withConnections(
    async (store) => {
      await store.privateKeys.put(one, key('pk_old'), t0);
      await store.privateKeys.markUsed(one, t0 + 5);
      await store.privateKeys.destroy(one, t0 + 6);
      await store.privateKeys.put(one, key('pk_new'), t0 + 7);
      assert.equal(reveal(await store.privateKeys.open(one)), 'pk_new');
      assert.deepEqual(await store.privateKeys.findConnectionIds(key('pk_old')), []);
      assert.deepEqual(await store.privateKeys.info(one), {
        connectionId: one,
        present: true,
        accountId: undefined,
        createdAtMs: t0 + 7,
        lastUsedAtMs: undefined,
        destroyedAtMs: undefined,
      });
    },
  ),

  'private keys: an account is proved for one key, and makes it the connection’s': withConnections(
    async (store) => {
      await store.privateKeys.put(one, key('pk_a'), t0);
      const stateOf = async () => (await store.connections.findById(one))?.key;
      assert.equal(await stateOf(), 'held');
      assert.equal(await store.privateKeys.prove(one, key('pk_other'), 'AAA111'), false);
      assert.equal((await store.privateKeys.info(one))?.accountId, undefined);
      assert.equal(await store.privateKeys.prove(one, key('pk_a'), 'AAA111'), true);
      assert.equal((await store.privateKeys.openStored(one))?.accountId, 'AAA111');
      assert.deepEqual(await store.privateKeys.findHolders(key('pk_a')), [
        { connectionId: one, accountId: 'AAA111' },
      ]);
      assert.equal(await stateOf(), 'foreign');
      const read = async () => (await store.connections.findById(one)) as Connection;
      const own = await store.connections.update(await read(), { accountId: 'AAA111' }, t0);
      assert.equal(own.key, 'held');
      const other = await store.connections.update(own, { accountId: 'BBB222' }, t0);
      assert.deepEqual([other.key, other.route], ['foreign', 'none']);
      await store.privateKeys.put(one, key('pk_b'), t0);
      assert.equal((await store.privateKeys.info(one))?.accountId, undefined);
      assert.equal(await stateOf(), 'foreign');
      await store.privateKeys.destroy(one, t0);
      assert.equal(await store.privateKeys.prove(one, key('pk_b'), 'BBB222'), false);
      assert.equal(await stateOf(), 'destroyed');
    },
  ),

  'private keys: use is recorded at most forward in time': withConnections(async (store) => {
    await store.privateKeys.put(one, key('pk_a'), t0);
    const lastUsed = async () => (await store.privateKeys.info(one))?.lastUsedAtMs;
    await store.privateKeys.markUsed(one, t0 + 10);
    assert.equal(await lastUsed(), t0 + 10);
    await store.privateKeys.markUsed(one, t0 + 5);
    assert.equal(await lastUsed(), t0 + 10);
    await store.privateKeys.markUsed(one, t0 + 11);
    assert.equal(await lastUsed(), t0 + 11);
  }),

  'private keys: a destroyed key never opens again, but its callers are still known':
    withConnections(async (store) => {
      await store.privateKeys.put(one, key('pk_a'), t0);
      await store.privateKeys.put(two, key('pk_b'), t0);
      await store.privateKeys.destroy(one, t0 + 20);
      assert.equal(await store.privateKeys.open(one), undefined);
      assert.deepEqual(await store.privateKeys.findConnectionIds(key('pk_a')), [one]);
      await store.privateKeys.destroy(one, t0 + 30);
      await store.privateKeys.markUsed(one, t0 + 40);
      assert.deepEqual(await store.privateKeys.info(one), {
        connectionId: one,
        present: false,
        accountId: undefined,
        createdAtMs: t0,
        lastUsedAtMs: t0 + 40,
        destroyedAtMs: t0 + 20,
      });
      assert.equal(reveal(await store.privateKeys.open(two)), 'pk_b');
    }),
} as const satisfies Record<string, ContractTest>;
