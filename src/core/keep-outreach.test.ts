import { describe, expect, it, vi } from 'vitest';
import { openOutreachBench } from '../../test/support/outreach-fixture.ts';
import {
  defaultReminderPolicy,
  saveReminderPolicy,
} from '../migration/outreach/reminder-policy.ts';
import { keepOutreach } from './keep-outreach.ts';

const dayMs = 86_400_000;

describe('a server', () => {
  it('sends what is queued, reminds by the saved rules only, and stops when it is asked to', async () => {
    await using outreach = await openOutreachBench();
    const { keyshift, clock } = outreach.bench;
    await outreach.invite(await outreach.add('acme'));
    const stop = new AbortController();
    const kept = keepOutreach(keyshift, stop.signal);
    try {
      await vi.waitFor(() => expect(outreach.sink.mails).toHaveLength(1));
      await vi.waitFor(async () => expect(await outreach.states()).toEqual({ acme: 'sent' }));
      await clock.advance(8 * dayMs);
      await vi.waitFor(() => clock.advance(60_000));
      expect(outreach.sink.mails, 'nobody said that it may remind').toHaveLength(1);
      const policy = { ...defaultReminderPolicy, quietHours: undefined };
      await saveReminderPolicy(keyshift.store, policy, clock.now(), 'test');
      await vi.waitFor(
        async () => {
          await clock.advance(60_000);
          expect(outreach.sink.mails).toHaveLength(2);
        },
        { timeout: 30_000 },
      );
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
    const kept = keepOutreach(
      {
        ...keyshift,
        outreach: { ...keyshift.outreach, outbox: failingOnce(keyshift.outreach.outbox) },
      },
      stop.signal,
    );
    try {
      await vi.waitFor(
        async () => {
          await clock.advance(60_000);
          expect(outreach.sink.mails).toHaveLength(1);
        },
        { timeout: 30_000 },
      );
    } finally {
      stop.abort();
      await kept;
    }
    expect(logLines.join('')).toContain('the next round tries again');
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
