import { describe, expect, it } from 'vitest';
import { openTestBench } from '../../../test/support/workbench-fixture.ts';
import { KeyshiftError } from '../../errors/keyshift-error.ts';
import { createLogger } from '../../runtime/logger.ts';
import { asCanary, at, byOAuth, type KeyHolder } from '../../model/connection.ts';
import { trafficBucketOf, type TrafficOutcome } from '../../model/traffic.ts';
import type { Verify } from '../consent/verify.ts';
import { createWatch } from './watch.ts';

const key = 'pk_0123456789abcdef';
const hourMs = 3_600_000;

async function open(verify: Verify = () => Promise.reject(new KeyshiftError('internal', 'no'))) {
  const bench = await openTestBench();
  const watch = createWatch({ ...bench, verify, logger: createLogger({ level: 'silent' }) });
  const count = (
    customerId: string,
    route: 'key' | 'oauth',
    calls: Partial<Record<TrafficOutcome, number>>,
  ) =>
    bench.store.traffic.add(
      Object.entries(calls).map(([outcome, number]) => ({
        ...{ connectionId: `connection-${customerId}`, route, operation: 'get_profiles' },
        ...{ outcome: outcome as TrafficOutcome, calls: number, totalMs: 1, lastError: undefined },
        ...{ bucketStartMs: trafficBucketOf(bench.clock.now()), lastAtMs: bench.clock.now() },
      })),
    );
  const addCanary = (customerId: string) =>
    bench.add(customerId, {
      ...{ stage: 'canary', route: 'canary', canaryPercent: 10, key, accountId: 'AAA111' },
      watchedSinceMs: bench.clock.now(),
    });
  const addLive = (customerId: string) =>
    bench.add(customerId, {
      ...{ stage: 'live', route: 'oauth', key, accountId: 'AAA111' },
      ...{ liveSinceMs: bench.clock.now(), watchedSinceMs: bench.clock.now() },
    });
  return { ...bench, watch, count, addCanary, addLive };
}

describe('the watch', () => {
  it('takes a canary back to its key when OAuth fails more often, and says why', async () => {
    await using bench = await open();
    await bench.addCanary('acme');
    await bench.addCanary('fine');
    await bench.clock.advance(hourMs);
    await bench.count('acme', 'oauth', { '2xx': 30, refused: 6, '5xx': 4 });
    await bench.count('acme', 'key', { '2xx': 300, '5xx': 3 });
    await bench.count('fine', 'oauth', { '2xx': 40, '4xx': 10 });
    const reason = '25.0 % of 40 calls over OAuth failed, 1.0 % of 303 with the key';
    expect(await bench.watch.round()).toEqual({
      ...{ watched: 2, failingTogether: 0, verified: 0, waiting: 0 },
      held: [{ customerId: 'acme', rolledBack: true, reason }],
    });
    expect(await bench.read('acme')).toMatchObject({
      ...{ stage: 'attention', attentionReason: 'oauth_errors', attentionFrom: 'canary' },
      ...{ route: 'key', canaryPercent: undefined, watchedSinceMs: undefined },
    });
    expect(await bench.read('fine')).toMatchObject({ stage: 'canary', route: 'canary' });
    expect(await bench.auditOf('acme')).toEqual([`canary → attention, watch: ${reason}`]);
    expect((await bench.watch.round()).held).toEqual([]);
  });

  it('flags a live connection and leaves its traffic to a person', async () => {
    await using bench = await open();
    await bench.addLive('acme');
    await bench.count('acme', 'oauth', { '2xx': 20, network: 5 });
    expect((await bench.watch.round()).held).toMatchObject([{ rolledBack: false }]);
    expect(await bench.read('acme')).toMatchObject({
      ...{ stage: 'attention', attentionReason: 'oauth_errors', attentionFrom: 'live' },
      route: 'oauth',
    });
  });

  const many = (count: number) => Array.from({ length: count }, (_each, index) => `c${index}`);

  it('holds everybody whom Klaviyo refuses, however many they are: they need a person', async () => {
    await using bench = await open();
    for (const customer of many(25)) {
      await bench.addLive(customer);
      await bench.count(customer, 'oauth', { '2xx': 30, refused: 10, '5xx': 1 });
    }
    const { held, failingTogether } = await bench.watch.round();
    expect([held.length, failingTogether]).toEqual([25, 0]);
  });

  it('holds the few who fail, although they are many of all', async () => {
    await using bench = await open();
    for (const customer of many(19)) {
      await bench.addLive(customer);
      await bench.count(customer, 'oauth', { '2xx': 30, '5xx': 10 });
    }
    const { held, failingTogether } = await bench.watch.round();
    expect([held.length, failingTogether]).toEqual([19, 0]);
  });

  it('holds nobody when Klaviyo is down for all of them, and does not hold it against them later', async () => {
    await using bench = await open();
    const customers = [...many(20), 'fine'];
    for (const customer of customers) await bench.addLive(customer);
    await bench.addCanary('canary');
    await bench.count('canary', 'oauth', { '5xx': 30 });
    for (const customer of customers) {
      await bench.count(customer, 'oauth', { '2xx': 30, '5xx': customer === 'fine' ? 0 : 10 });
    }
    const outage = await bench.watch.round();
    expect(outage.failingTogether).toBe(20);
    expect(outage.held.map(({ customerId }) => customerId)).toEqual(['canary']);
    expect(await bench.read('c0')).toMatchObject({ stage: 'live', route: 'oauth' });

    expect(await bench.watch.round()).toMatchObject({ failingTogether: 0, held: [] });
    await bench.clock.advance(hourMs);
    for (const customer of customers) await bench.count(customer, 'oauth', { '2xx': 30 });
    await bench.count('c1', 'oauth', { refused: 5 });
    const later = await bench.watch.round();
    expect(later.failingTogether).toBe(0);
    expect(later.held).toMatchObject([
      { customerId: 'c1', reason: '14.3 % of 35 calls over OAuth failed, 0.0 % of 0 with the key' },
    ]);
  });

  it('measures a live connection by what its key did before the cutover', async () => {
    await using bench = await open();
    await bench.add('acme');
    await bench.count('acme', 'key', { '2xx': 60, '5xx': 40 });
    await bench.clock.advance(2 * hourMs);
    const acme = await bench.read('acme');
    const live = { at: at('live'), way: byOAuth(acme, bench.clock.now()) };
    await bench.store.connections.update(acme, live, bench.clock.now());
    await bench.count('acme', 'oauth', { '2xx': 70, '5xx': 30 });
    expect((await bench.watch.round()).held).toEqual([]);
  });

  it('counts neither what was before the canary nor what is long past', async () => {
    await using bench = await open();
    await bench.add('early', { key });
    await bench.count('early', 'oauth', { '5xx': 50 });
    await bench.clock.advance(hourMs);
    const early = (await bench.read('early')) as KeyHolder;
    const canary = { at: at('canary'), way: asCanary(early, 10, bench.clock.now()) };
    await bench.store.connections.update(early, canary, bench.clock.now());
    await bench.addLive('old');
    await bench.count('old', 'oauth', { '5xx': 50 });
    await bench.clock.advance(25 * hourMs);
    await bench.count('old', 'oauth', { '2xx': 50 });
    await bench.count('early', 'oauth', { '2xx': 50 });
    expect((await bench.watch.round()).held).toEqual([]);
  });

  it('asks again for consents that Klaviyo gave no answer to, one failure not stopping the next', async () => {
    const asked: string[] = [];
    await using bench = await open((connection) => {
      asked.push(connection.customerId);
      if (connection.customerId === 'away') {
        return Promise.reject(new KeyshiftError('upstream_timeout', 'late'));
      }
      return Promise.resolve({ connection, verdict: 'verified', checks: [] });
    });
    for (const customerId of ['away', 'back']) {
      await bench.add(customerId, { stage: 'authorized', accountId: 'AAA111' });
    }
    expect(await bench.watch.round()).toMatchObject({ verified: 1, waiting: 1 });
    expect(asked).toEqual(['away', 'back']);
  });
});
