import assert from 'node:assert/strict';
import { setImmediate, setTimeout as delay } from 'node:timers/promises';
import { at } from '../../../src/model/connection.ts';
import { Secret } from '../../../src/runtime/secret.ts';
import type { Store } from '../../../src/store/store.ts';
import { oneOf, rejectsWith, sampleConnection, t0, type ContractTest } from './contract-test.ts';

const customersOf = async (store: Store) =>
  (await Array.fromAsync(store.connections.list())).map(({ customerId }) => customerId);

/** Promises of `store.transaction`, `ping` and `close`. */
export const transactionCases = {
  async 'transactions: a throw undoes every write and reaches the caller as it is'(store) {
    const failure = Object.assign(new Error('mine'), { code: 'ECONNREFUSED' });
    await assert.rejects(
      store.transaction(async (tx) => {
        await tx.connections.insert(sampleConnection('a'));
        await tx.privateKeys.put('connection-a', new Secret('private_key', 'pk_a'), t0);
        assert.ok(await tx.connections.findByCustomer('a'));
        throw failure;
      }),
      (error) => error === failure,
    );
    assert.deepEqual(await customersOf(store), []);
    assert.equal(await store.privateKeys.info('connection-a'), undefined);
  },

  async 'transactions: what work returns is answered, and its writes are seen by others'(
    store,
    openAnother,
  ) {
    const other = await openAnother();
    const answer = await store.transaction(async (tx) => {
      await tx.connections.insert(sampleConnection('a'));
      return 42;
    });
    assert.equal(answer, 42);
    assert.deepEqual(await customersOf(other), ['a']);
  },

  async 'transactions: nobody else sees a write before its transaction ends'(store, openAnother) {
    const other = await openAnother();
    await store.transaction(async (tx) => {
      await tx.connections.insert(sampleConnection('a'));
      assert.deepEqual(await customersOf(other), []);
    });
    assert.deepEqual(await customersOf(other), ['a']);
  },

  async 'transactions: a nested one joins the outer, on either store object'(store) {
    await assert.rejects(
      store.transaction(async (tx) => {
        await tx.transaction((inner) => inner.connections.insert(sampleConnection('a')));
        await store.transaction((inner) => inner.connections.insert(sampleConnection('b')));
        await store.connections.insert(sampleConnection('c'));
        assert.deepEqual(await customersOf(tx), ['a', 'b', 'c']);
        throw new Error('undo');
      }),
      /undo/,
    );
    assert.deepEqual(await customersOf(store), []);
  },

  async 'transactions: a write from outside is not part of a running one'(store) {
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const running = store.transaction(async (tx) => {
      await tx.connections.insert(sampleConnection('inside'));
      await gate;
      throw new Error('undo');
    });
    running.catch(() => undefined);
    await setImmediate();
    const outside = store.connections.insert(sampleConnection('outside'));
    await delay(20);
    open();
    await assert.rejects(running, /undo/);
    await outside;
    assert.deepEqual(await customersOf(store), ['outside']);
  },

  async 'transactions: work that was left running goes on without the transaction'(store) {
    let leftRunning: Promise<unknown> = Promise.resolve();
    await store.transaction(async (tx) => {
      await tx.connections.insert(sampleConnection('a'));
      leftRunning = delay(30).then(() => tx.connections.insert(sampleConnection('late')));
    });
    await leftRunning;
    assert.deepEqual(await customersOf(store), ['a', 'late']);
  },

  async 'transactions: 20 at once, over two stores, all get their turn'(store, openAnother) {
    const stores = [store, await openAnother()];
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        oneOf(stores, i).transaction(async (tx) => {
          const id = String(i).padStart(2, '0');
          const connection = await tx.connections.insert(sampleConnection(id));
          await setImmediate();
          await tx.connections.update(connection, { at: at('checked') }, t0);
        }),
      ),
    );
    const [checked] = await store.connections.countByStage();
    assert.deepEqual(checked, {
      stage: 'checked',
      attentionReason: undefined,
      route: 'key',
      count: 20,
    });
  },

  async 'stores: one that is open answers, one that is closed refuses every call'(store) {
    await store.ping();
    await store.close();
    await store.close();
    await rejectsWith(store.ping(), 'database_unavailable');
    await rejectsWith(store.connections.findById('a'), 'database_unavailable');
    await rejectsWith(Array.fromAsync(store.connections.list()), 'database_unavailable');
    await rejectsWith(
      store.transaction(() => Promise.resolve()),
      'database_unavailable',
    );
  },

  async 'stores: closing waits for a running transaction'(store, openAnother) {
    const running = store.transaction(async (tx) => {
      await tx.connections.insert(sampleConnection('a'));
      await delay(30);
      await tx.connections.insert(sampleConnection('b'));
    });
    await delay(10);
    await Promise.all([running, store.close()]);
    assert.deepEqual(await customersOf(await openAnother()), ['a', 'b']);
  },
} as const satisfies Record<string, ContractTest>;
