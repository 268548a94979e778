import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import type { AuditEvent } from '../../../src/model/audit.ts';
import type { AuditFilter } from '../../../src/store/audit.ts';
import { oneOf, sampleConnection, t0, type ContractTest } from './contract-test.ts';

const event = (fields: Partial<AuditEvent>): AuditEvent => ({
  atMs: t0,
  actor: 'system',
  action: 'connection.stage',
  connectionId: 'c1',
  fromStage: undefined,
  toStage: undefined,
  reason: undefined,
  ...fields,
});

/** Promises of `store.audit`. */
export const auditCases = {
  async 'audit: events of a connection come in the order they were appended'(store) {
    const events = [
      event({ fromStage: 'imported', toStage: 'checked', actor: 'cli', reason: 'key ok' }),
      // Clocks of several machines differ: the order is that of appending.
      event({ atMs: t0 - 5_000, action: 'grant.refreshed' }),
      event({ atMs: t0 + 1, actor: 'service:billing' }),
    ];
    for (const [i, each] of events.entries()) {
      await store.audit.append(each);
      await store.audit.append(event({ connectionId: i === 0 ? undefined : 'c2' }));
    }
    assert.deepEqual(await store.audit.listByConnection('c1'), events);
    assert.equal((await store.audit.listByConnection('c2')).length, 2);
    assert.deepEqual(await store.audit.listByConnection('nope'), []);
  },

  async 'audit: a secret in a reason is not kept'(store) {
    await store.audit.append(event({ reason: 'the key pk_0123456789abcdef is theirs' }));
    const [kept] = await store.audit.listByConnection('c1');
    assert.equal(kept?.reason, 'the key pk_[scrubbed] is theirs');
    assert.deepEqual((await store.audit.verify()).breaks, []);
  },

  async 'audit: entries are chained, and the chain proves itself'(store) {
    assert.deepEqual((await store.audit.verify()).breaks, []);
    for (const actor of ['a', 'b', 'c']) await store.audit.append(event({ actor }));
    const entries = await Array.fromAsync(store.audit.list());
    assert.deepEqual(
      entries.map(({ seq, actor }) => [seq, actor]),
      [
        [1, 'a'],
        [2, 'b'],
        [3, 'c'],
      ],
    );
    const [first, second, third] = entries;
    assert.equal(second?.previousHash, first?.hash);
    assert.equal(third?.previousHash, second?.hash);
    const head = await store.audit.head();
    assert.deepEqual([head?.seq, head?.hash], [3, third?.hash]);
    assert.deepEqual(await store.audit.verify(), { entries: 3, head, breaks: [], breakCount: 0 });
  },

  async 'audit: a list goes either way, from a place on, for one connection or all'(store) {
    for (let i = 1; i <= 6; i += 1) {
      await store.audit.append(event({ connectionId: i % 2 === 0 ? 'even' : 'odd' }));
    }
    const seqs = async (filter: AuditFilter) =>
      (await Array.fromAsync(store.audit.list(filter))).map(({ seq }) => seq);
    assert.deepEqual(await seqs({ connectionId: 'even' }), [2, 4, 6]);
    assert.deepEqual(await seqs({ afterSeq: 4 }), [5, 6]);
    assert.deepEqual(await seqs({ newestFirst: true, afterSeq: 4 }), [3, 2, 1]);
    assert.deepEqual(await seqs({ newestFirst: true, connectionId: 'odd' }), [5, 3, 1]);
  },

  async 'audit: what a transaction appends is seen inside of it, and undone with it'(store) {
    await assert.rejects(
      store.transaction(async (tx) => {
        await tx.audit.append(event({ connectionId: 'undone' }));
        assert.equal((await tx.audit.listByConnection('undone')).length, 1);
        await tx.audit.append(event({ connectionId: 'undone' }));
        assert.equal((await tx.audit.listByConnection('undone')).length, 2);
        throw new Error('undo');
      }),
      /undo/,
    );
    await store.transaction((tx) => tx.audit.append(event({ connectionId: 'kept' })));
    const entries = await Array.fromAsync(store.audit.list());
    assert.deepEqual(
      entries.map(({ seq, connectionId }) => [seq, connectionId]),
      [[1, 'kept']],
    );
    assert.deepEqual((await store.audit.verify()).breaks, []);
  },

  async 'audit: several writers make one chain, without a gap'(store, openAnother) {
    const stores = [store, await openAnother(), await openAnother()];
    await Promise.all(
      Array.from({ length: 60 }, (_, i) =>
        oneOf(stores, i).transaction(async (tx) => {
          await tx.connections.insert(sampleConnection(String(i)));
          await tx.audit.append(event({ connectionId: String(i), action: 'first.of' }));
          await setImmediate();
          await tx.audit.append(event({ connectionId: String(i), action: 'second.of' }));
        }),
      ),
    );
    const entries = await Array.fromAsync(store.audit.list());
    assert.deepEqual(
      entries.map(({ seq }) => seq),
      Array.from({ length: 120 }, (_, i) => i + 1),
    );
    const verdict = await store.audit.verify();
    assert.deepEqual([verdict.entries, verdict.breaks], [120, []]);
  },

  async 'audit: a connection is erased as a part of a transaction, or not at all'(store) {
    await store.audit.append(event({ reason: 'said by c1' }));
    await store.audit.append(event({ connectionId: 'c2', reason: 'said by c2' }));
    await assert.rejects(
      store.transaction(async (tx) => {
        await tx.audit.append(event({}));
        assert.equal(await tx.audit.erase('c1'), 2);
        throw new Error('undo');
      }),
      /undo/,
    );
    assert.equal((await store.audit.listByConnection('c1')).length, 1);
    await store.transaction(async (tx) => {
      assert.equal(await tx.audit.erase('c1'), 1);
      await tx.audit.append(event({ connectionId: undefined, action: 'customer.forgotten' }));
    });
    assert.equal(await store.audit.erase('c1'), 0);
    const reasons = (await Array.fromAsync(store.audit.list())).map(({ reason }) => reason);
    assert.deepEqual(reasons, [undefined, 'said by c2', undefined]);
    assert.deepEqual((await store.audit.verify()).breaks, []);
  },

  async 'audit: text that a database cannot hold as it is breaks no chain'(store) {
    await store.audit.append(event({ reason: 'half a pair \ud83d, "quotes", \n and ✓' }));
    assert.deepEqual((await store.audit.verify()).breaks, []);
  },
} as const satisfies Record<string, ContractTest>;
