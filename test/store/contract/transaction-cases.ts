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

  async 'transactions: a nested one joins the outer'(store) {
    await assert.rejects(
      store.transaction(async (tx) => {
        await tx.transaction((inner) => inner.connections.insert(sampleConnection('a')));
        await tx.connections.insert(sampleConnection('b'));
        assert.deepEqual(await customersOf(tx), ['a', 'b']);
        throw new Error('undo');
      }),
      /undo/,
    );
    assert.deepEqual(await customersOf(store), []);
  },

  async 'transactions: the store itself refuses every use within one, and names the statement'(
    store,
  ) {
    const uses: Readonly<Record<string, () => Promise<unknown>>> = {
      'insert into connections': () => store.connections.insert(sampleConnection('outside')),
      'select connections': () => store.connections.findByCustomer('a'),
      'update private_keys': () => store.privateKeys.markUsed('connection-a', t0),
      'delete from switches': () => store.switches.set('route', undefined, t0, 'cli'),
      transaction: () => store.transaction(() => Promise.resolve()),
    };
    await store.transaction(async (tx) => {
      await tx.connections.insert(sampleConnection('a'));
      for (const [name, use] of Object.entries(uses)) {
        const error = await rejectsWith(use(), 'internal');
        assert.ok(error.message.startsWith(`${name}: the store was used within`), error.message);
      }
    });
    assert.deepEqual(await customersOf(store), ['a']);
  },

  async 'transactions: work that says so runs apart from the one that it was started in'(store) {
    let apart: Promise<unknown> = Promise.resolve();
    await assert.rejects(
      store.transaction(async (tx) => {
        await tx.connections.insert(sampleConnection('undone'));
        apart = tx.outsideTransaction(() => store.connections.insert(sampleConnection('apart')));
        // On SQLite it waits for its turn, behind this transaction.
        await setImmediate();
        throw new Error('undo');
      }),
      /undo/,
    );
    await apart;
    assert.deepEqual(await customersOf(store), ['apart']);
  },

  async 'transactions: a statement that nobody waited for undoes it all, and is named'(store) {
    const forgetful = store.transaction(async (tx) => {
      await tx.connections.insert(sampleConnection('a'));
      void tx.connections.insert(sampleConnection('forgotten'));
    });
    const error = await rejectsWith(forgetful, 'internal');
    assert.match(error.message, /^insert into connections: still running when the work/);
    assert.deepEqual(await customersOf(store), []);
    await store.connections.insert(sampleConnection('forgotten'));
  },

  async 'transactions: what is left running when the work throws is undone with it'(store) {
    const failure = new Error('mine');
    await assert.rejects(
      store.transaction((tx) =>
        Promise.all([
          Promise.reject(failure),
          tx.connections.insert(sampleConnection('a')),
          tx.connections.insert(sampleConnection('b')),
        ]),
      ),
      (error) => error === failure,
    );
    await delay(20);
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

  async 'transactions: after its end one refuses every use, and the store goes on'(store) {
    let late: Promise<unknown> = Promise.resolve();
    let ended: Store = store;
    await store.transaction(async (tx) => {
      ended = tx;
      await tx.connections.insert(sampleConnection('a'));
      late = delay(30).then(() => store.connections.insert(sampleConnection('late')));
    });
    const error = await rejectsWith(ended.connections.insert(sampleConnection('b')), 'internal');
    assert.match(error.message, /^insert into connections: a transaction was used after its end/);
    await rejectsWith(Array.fromAsync(ended.connections.list()), 'internal');
    await late;
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
