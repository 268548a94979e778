import assert from 'node:assert/strict';
import { trafficBucketMs, trafficBucketOf, type TrafficRow } from '../../../src/model/traffic.ts';
import { oneOf, t0, type ContractTest } from './contract-test.ts';

const bucket0 = trafficBucketOf(t0);

const row = (fields: Partial<TrafficRow> = {}): TrafficRow => ({
  connectionId: 'c1',
  bucketStartMs: bucket0,
  route: 'key',
  operation: 'get_profiles',
  outcome: '2xx',
  calls: 1,
  totalMs: 10,
  lastError: undefined,
  lastAtMs: bucket0 + 1,
  ...fields,
});

const none = { calls: 0, ok: 0, refused: 0, failed: 0, lastAtMs: undefined };

/** Promises of `store.traffic`. */
export const trafficCases = {
  async 'traffic: of a connection that was never called there is nothing'(store) {
    await store.traffic.add([]);
    assert.deepEqual(await store.traffic.summarize('c1', 0), { key: none, oauth: none });
    assert.deepEqual(await store.traffic.observedOperations(0), []);
    assert.deepEqual(await store.traffic.list('c1', 0), []);
  },

  async 'traffic: rows of one bucket add up, within a call and over several'(store) {
    await store.traffic.add([row(), row({ calls: 2, totalMs: 5.4, lastAtMs: bucket0 + 9 })]);
    await store.traffic.add([row({ lastError: '400 invalid', lastAtMs: bucket0 + 4 })]);
    await store.traffic.add([row({ calls: 4, totalMs: 1 })]);
    assert.deepEqual(await store.traffic.list('c1', bucket0), [
      row({ calls: 8, totalMs: 26, lastAtMs: bucket0 + 9, lastError: '400 invalid' }),
    ]);
  },

  async 'traffic: a summary tells the routes apart, and how their calls ended'(store) {
    await store.traffic.add([
      row({ calls: 10 }),
      row({ outcome: '3xx', calls: 20 }),
      row({ outcome: '4xx', calls: 1 }),
      row({ outcome: 'refused', calls: 2, lastAtMs: bucket0 + 77 }),
      row({ outcome: 'throttled', calls: 3 }),
      row({ outcome: 'edge', calls: 4 }),
      row({ outcome: '5xx', calls: 5 }),
      row({ outcome: 'network', calls: 6 }),
      row({ route: 'oauth', calls: 7 }),
      row({ connectionId: 'c2', calls: 100 }),
    ]);
    assert.deepEqual(await store.traffic.summarize('c1', bucket0), {
      key: { calls: 51, ok: 30, refused: 2, failed: 15, lastAtMs: bucket0 + 77 },
      oauth: { calls: 7, ok: 7, refused: 0, failed: 0, lastAtMs: bucket0 + 1 },
    });
  },

  async 'traffic: what ended before the time asked about is not counted'(store) {
    await store.traffic.add([
      row({ lastAtMs: bucket0 + 5 }),
      row({ bucketStartMs: bucket0 + trafficBucketMs, lastAtMs: bucket0 + trafficBucketMs }),
    ]);
    const callsSince = async (sinceMs: number) =>
      (await store.traffic.summarize('c1', sinceMs)).key.calls;
    assert.equal(await callsSince(bucket0 + 5), 2);
    assert.equal(await callsSince(bucket0 + 6), 1);
    assert.equal(await callsSince(bucket0 + trafficBucketMs + 1), 0);
  },

  async 'traffic: operations are observed by connection, operation and route'(store) {
    const later = bucket0 + trafficBucketMs;
    await store.traffic.add([
      row(),
      row({ bucketStartMs: later, lastAtMs: later, calls: 2, outcome: 'refused' }),
      row({ route: 'oauth', operation: 'create_event', outcome: '5xx' }),
      row({ connectionId: undefined, operation: 'unknown' }),
    ]);
    const byKey = { connectionId: 'c1', operation: 'get_profiles', route: 'key', failed: 0 };
    const event = { connectionId: 'c1', operation: 'create_event', route: 'oauth' };
    const both = { ...byKey, calls: 3, ok: 1, refused: 2, lastAtMs: later };
    const failed = { ...event, calls: 1, ok: 0, refused: 0, failed: 1, lastAtMs: bucket0 + 1 };
    assert.deepEqual(await store.traffic.observedOperations(bucket0, 'c1'), [failed, both]);
    const all = await store.traffic.observedOperations(bucket0);
    assert.deepEqual(
      all.map(({ connectionId, operation }) => [connectionId, operation]),
      [
        [undefined, 'unknown'],
        ['c1', 'create_event'],
        ['c1', 'get_profiles'],
      ],
    );
  },

  async 'traffic: no call is lost when two processes add to the same buckets at once'(
    store,
    openAnother,
  ) {
    const stores = [store, await openAnother()];
    const operations = ['a', 'b', 'c', 'd', 'e'];
    await Promise.all(
      Array.from({ length: 40 }, (_, i) => {
        const rows = operations.map((operation) => row({ operation }));
        return oneOf(stores, i).traffic.add(i % 3 === 0 ? rows : rows.toReversed());
      }),
    );
    assert.equal((await store.traffic.summarize('c1', 0)).key.calls, 200);
  },

  async 'traffic: many rows are added at once'(store) {
    await store.traffic.add(
      Array.from({ length: 1_200 }, (_, i) => row({ operation: `operation-${i}` })),
    );
    assert.equal((await store.traffic.observedOperations(0)).length, 1_200);
  },

  async 'traffic: old buckets are purged, younger ones stay'(store) {
    const later = bucket0 + trafficBucketMs;
    await store.traffic.add([row(), row({ bucketStartMs: later, lastAtMs: later + 5 })]);
    assert.equal(await store.traffic.purge(later + 5), 1);
    assert.equal((await store.traffic.list('c1', 0)).length, 1);
    assert.equal(await store.traffic.purge(later + 6), 1);
    assert.deepEqual(await store.traffic.observedOperations(0), []);
  },
} as const satisfies Record<string, ContractTest>;
