import { describe, expect, it } from 'vitest';
import { openTestKeyshift, testSeed } from '../../../test/support/keyshift-fixture.ts';
import { openTestBench } from '../../../test/support/workbench-fixture.ts';
import { parsePrivateKey, type PrivateKey } from '../../klaviyo/private-key.ts';
import { createManualClock } from '../../runtime/clock.ts';
import { createLogger } from '../../runtime/logger.ts';
import type { SandboxOptions } from '../../sandbox.ts';
import type { Connection } from '../../model/connection.ts';
import { newConnection } from '../../model/connection.ts';
import { keepMetrics, type MetricContinuity } from './metric-continuity.ts';

const app = testSeed.apps[0]!;
const scopes = 'accounts:read metrics:read events:write flows:read segments:read';
const key = 'pk_alpha0123456789abcdef';
const minuteMs = 60_000;

/** A verified connection, and events by either credential, sent to Klaviyo past Keyshift. */
async function open(metricBranding: SandboxOptions['metricBranding'] = 'second-metric') {
  const bench = await openTestKeyshift({
    environment: { KLAVIYO_SCOPES: scopes },
    sandbox: {
      seed: { ...testSeed, apps: [{ ...app, scopes: scopes.split(' ') }] },
      metricBranding,
    },
  });
  const { keyshift, clock, sandbox } = bench;
  const row = newConnection(keyshift, { customerId: 'acme', stage: 'checked', route: 'key' });
  const { id } = await keyshift.store.connections.insert({ ...row, accountId: 'AAA111' });
  const secret = parsePrivateKey(key) as PrivateKey;
  await keyshift.store.privateKeys.put(id, secret, clock.now());
  await keyshift.store.privateKeys.prove(id, secret, 'AAA111');
  await bench.consent({ customerId: 'acme' }, { account: 'AAA111' });
  const read = async () => (await keyshift.store.connections.findById(id)) as Connection;
  return {
    ...bench,
    [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose](),
    read,
    async send(by: 'key' | 'app', name = 'Placed Order') {
      await clock.advance(minuteMs);
      const grant = { clientId: 'app-one', accountId: 'AAA111' };
      const authorization =
        by === 'key'
          ? `Klaviyo-API-Key ${key}`
          : `Bearer ${(await keyshift.tokens.liveGrant(grant)).accessToken.reveal()}`;
      const attributes = {
        properties: {},
        metric: { data: { type: 'metric', attributes: { name } } },
        profile: { data: { type: 'profile', attributes: { email: 'ann@example.com' } } },
      };
      const answer = await fetch(`${sandbox.apiUrl}/api/events`, {
        method: 'POST',
        headers: {
          ...{ authorization, revision: '2026-07-15' },
          'content-type': 'application/vnd.api+json',
        },
        body: JSON.stringify({ data: { type: 'event', attributes } }),
      });
      expect(answer.status).toBe(202);
    },
    cutOver: async () => keyshift.cutover.cutOver(await read(), 'cli'),
    async compare() {
      await clock.advance(minuteMs);
      const { verdict, names } = await keyshift.metrics.compare(await read());
      return [verdict, ...names.map(({ name, verdict: each }) => `${name}: ${each}`)];
    },
  };
}

describe('metrics across a migration', () => {
  it('are duplicated when events go on by key and by OAuth', async () => {
    await using bench = await open();
    await bench.send('key');
    await bench.cutOver();
    await bench.send('app');
    await bench.send('key');
    expect(await bench.compare()).toEqual(['duplicated', 'Placed Order: duplicated']);
    const stored = await bench.keyshift.store.metricRecords.comparison((await bench.read()).id);
    expect(stored?.verdict).toBe('duplicated');
  });

  it('are duplicated by both credentials, also where Klaviyo brands what a key no longer sends', async () => {
    await using bench = await open('brand-in-place');
    await bench.send('key');
    await bench.cutOver();
    await bench.clock.advance(10 * minuteMs);
    await bench.send('app');
    await bench.send('key');
    await bench.send('app');
    expect(await bench.compare()).toEqual(['duplicated', 'Placed Order: duplicated']);
  });

  it.each(['second-metric', 'brand-in-place'] as const)(
    'are branded when the key stopped before the cutover (%s)',
    async (branding) => {
      await using bench = await open(branding);
      await bench.send('key');
      await bench.clock.advance(10 * minuteMs);
      await bench.cutOver();
      await bench.send('app');
      expect(await bench.compare()).toEqual(['branded', 'Placed Order: branded']);
    },
  );

  it('are continuous while nothing goes by OAuth yet, by a snapshot taken by hand', async () => {
    await using bench = await open();
    await bench.send('key');
    const { metrics } = bench.keyshift;
    await expect(metrics.compare(await bench.read())).rejects.toMatchObject({
      code: 'stage_conflict',
    });
    const snapshot = await metrics.snapshot(await bench.read());
    expect(snapshot.metrics.filter(({ source }) => source === 'key')).toMatchObject([
      { name: 'Placed Order', integration: 'API' },
    ]);
    await bench.send('key');
    expect(await bench.compare()).toEqual(['continuous', 'Placed Order: continuous']);
  });

  it('are kept by themselves before the first call by OAuth, and not again after a canary', async () => {
    await using bench = await open();
    const { cutover, store } = bench.keyshift;
    await bench.send('key');
    const canary = await cutover.startCanary(await bench.read(), 10, 'cli');
    await bench.send('app');
    const first = await store.metricRecords.latestSnapshot(canary.id);
    await cutover.cutOver(canary, 'cli');
    expect(await store.metricRecords.latestSnapshot(canary.id)).toEqual(first);
  });
});

describe('a snapshot before a cutover', () => {
  it('holds the cutover up for two minutes at most, and its failure is only logged', async () => {
    const clock = createManualClock();
    const warnings: string[] = [];
    const logger = createLogger({
      level: 'warn',
      destination: { write: (line) => warnings.push(line) },
    });
    const snapshotIfGranted: MetricContinuity['snapshotIfGranted'] = (_connection, signal) =>
      new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason as Error));
      });
    await using bench = await openTestBench();
    const connection = await bench.add('acme');
    const kept = keepMetrics({ snapshotIfGranted }, { clock, logger })(connection);
    await clock.advance(120_000);
    await kept;
    expect(warnings).toEqual([expect.stringContaining('no snapshot of the metrics was taken')]);
  });
});
