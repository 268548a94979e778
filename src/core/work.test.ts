import { describe, expect, it, vi } from 'vitest';
import { openOutreachBench } from '../../test/support/outreach-fixture.ts';
import { saveReminderPolicy } from '../migration/operate/remind.ts';
import { defaultReminderPolicy } from '../model/reminder-policy.ts';
import { trafficBucketOf } from '../model/traffic.ts';
import { openTestKeyshift } from '../../test/support/keyshift-fixture.ts';
import { privateKey } from '../../test/support/workbench-fixture.ts';
import { sampleConnection } from '../../test/store/contract/contract-test.ts';
import { runWork } from './work.ts';

const dayMs = 86_400_000;

const patience = { timeout: 30_000 };

/** In place of what looks every half minute, in tests that let days go by. */
const idle = { sweeper: { run: () => Promise.resolve() }, watch: { run: () => Promise.resolve() } };

describe('the work', () => {
  it('sends what is queued, reminds by the saved rules only, and stops when it is asked to', async () => {
    await using outreach = await openOutreachBench();
    const { keyshift, clock } = outreach.bench;
    await outreach.invite(await outreach.add('acme'));
    const stop = new AbortController();
    const kept = runWork({ ...keyshift, ...idle }, stop.signal);
    try {
      await vi.waitFor(() => expect(outreach.sink.mails).toHaveLength(1), patience);
      await vi.waitFor(
        async () => expect(await outreach.states()).toEqual({ acme: 'sent' }),
        patience,
      );
      await clock.advance(8 * dayMs);
      await vi.waitFor(() => clock.advance(60_000));
      expect(outreach.sink.mails, 'nobody said that it may remind').toHaveLength(1);
      const policy = { ...defaultReminderPolicy, quietHours: undefined };
      await saveReminderPolicy(keyshift.store, policy, clock.now(), 'test');
      await vi.waitFor(async () => {
        await clock.advance(60_000);
        expect(outreach.sink.mails).toHaveLength(2);
      }, patience);
      expect(outreach.sink.mails[1]?.source).toMatch(/^Subject: Reminder/m);
    } finally {
      stop.abort();
      await kept;
    }
  });

  it('goes on after a round that failed', async () => {
    await using outreach = await openOutreachBench();
    const { keyshift, clock, logLines } = outreach.bench;
    await outreach.invite(await outreach.add('acme'));
    const stop = new AbortController();
    const kept = runWork(
      {
        ...keyshift,
        ...idle,
        outreach: { ...keyshift.outreach, outbox: failingOnce(keyshift.outreach.outbox) },
      },
      stop.signal,
    );
    try {
      await vi.waitFor(async () => {
        await clock.advance(60_000);
        expect(outreach.sink.mails).toHaveLength(1);
      }, patience);
    } finally {
      stop.abort();
      await kept;
    }
    expect(logLines.join('')).toContain('the next round tries again');
  });

  it('holds a failing canary in an application that only holds a Keyshift', async () => {
    await using bench = await openTestKeyshift();
    const { keyshift, clock } = bench;
    const { store } = keyshift;
    const { id: connectionId } = await store.connections.insert(
      sampleConnection('acme', {
        stage: 'canary',
        route: 'canary',
        accountId: 'AAA111',
        canaryPercent: 10,
        watchedSinceMs: clock.now(),
      }),
    );
    await store.privateKeys.put(connectionId, privateKey('acme'), clock.now());
    await store.privateKeys.prove(connectionId, privateKey('acme'), 'AAA111');
    await store.traffic.add(
      (['2xx', 'refused'] as const).map((outcome) => ({
        connectionId,
        route: 'oauth',
        operation: 'get_profiles',
        outcome,
        calls: 50,
        totalMs: 1,
        lastError: undefined,
        bucketStartMs: trafficBucketOf(clock.now()),
        lastAtMs: clock.now(),
      })),
    );
    const stop = new AbortController();
    const work = keyshift.work(stop.signal);
    await vi.waitFor(
      async () =>
        expect(await store.connections.findById(connectionId)).toMatchObject({
          stage: 'attention',
          attentionReason: 'oauth_errors',
          route: 'key',
        }),
      patience,
    );
    stop.abort();
    await work;
  });

  it('deletes attempts after an hour and counts of calls after half a year', async () => {
    await using bench = await openTestKeyshift();
    const { keyshift, clock } = bench;
    const { store } = keyshift;
    await bench.consent();
    const count = () =>
      store.traffic.add([
        {
          connectionId: 'acme',
          route: 'key',
          operation: 'get_profiles',
          outcome: '2xx',
          calls: 1,
          totalMs: 1,
          lastError: undefined,
          bucketStartMs: trafficBucketOf(clock.now()),
          lastAtMs: clock.now(),
        },
      ]);
    await count();
    await clock.advance(200 * dayMs);
    await count();
    const work = keyshift.work();
    await vi.waitFor(
      async () => expect(await store.traffic.list('acme', 0)).toHaveLength(1),
      patience,
    );
    expect(await store.authorizations.purge(clock.now()), 'attempts that are left').toBe(0);
    await keyshift.close();
    await work;
  });

  it('ends with the Keyshift it belongs to, when its signal has not ended it', async () => {
    await using bench = await openTestKeyshift();
    const work = bench.keyshift.work(new AbortController().signal);
    await bench.keyshift.close();
    await work;
    expect(bench.logLines.join('')).not.toContain('the next round tries again');
  });
});

/** An outbox whose first run fails, as when the database is away. */
function failingOnce<Outbox extends { run: (...args: never[]) => Promise<unknown> }>(
  outbox: Outbox,
): Outbox {
  let failed = false;
  return {
    ...outbox,
    run: (...args: never[]) => {
      if (failed) return outbox.run(...args);
      failed = true;
      return Promise.reject(new Error('the database is away'));
    },
  };
}
