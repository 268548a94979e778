import { describe, expect, it } from 'vitest';
import { openOutreachBench, type OutreachBench } from '../../../test/support/outreach-fixture.ts';
import type { ReminderPolicy } from '../../model/reminder-policy.ts';
import { queueReminders } from './remind.ts';

const dayMs = 86_400_000;
const policy: ReminderPolicy = { afterDays: 3, cap: 2, quietHours: undefined };

async function open(): Promise<OutreachBench> {
  const outreach = await openOutreachBench();
  await outreach.invite(await outreach.add('acme'));
  await outreach.bench.keyshift.outreach.outbox.run();
  return outreach;
}

const remind = ({ bench }: OutreachBench, changes: Partial<ReminderPolicy> = {}) =>
  queueReminders(bench.keyshift, { ...policy, ...changes }, { actor: 'test' });

describe('a reminder', () => {
  it('comes after its days, once each, up to the cap', async () => {
    await using outreach = await open();
    const { outbox } = outreach.bench.keyshift.outreach;
    expect(await remind(outreach)).toMatchObject({ queued: 0, too_early: 1 });
    for (let turn = 1; turn <= 2; turn += 1) {
      await outreach.bench.clock.advance(3 * dayMs);
      expect(await remind(outreach)).toMatchObject({ queued: 1 });
      expect(await remind(outreach)).toMatchObject({ queued: 0, too_early: turn < 2 ? 1 : 0 });
      expect(await outbox.run()).toMatchObject({ sent: 1 });
    }
    await outreach.bench.clock.advance(3 * dayMs);
    expect(await remind(outreach)).toMatchObject({ queued: 0, limit_reached: 1 });
    expect(outreach.sink.mails).toHaveLength(3);
    const contact = await outreach.bench.keyshift.store.outbox.contactOf({ id: 'connection-acme' });
    expect(contact).toMatchObject({ reminders: 2 });
  });

  it('never goes to who consented, declined, unsubscribed, or has no link any more', async () => {
    await using outreach = await open();
    const { store, machine, invitations } = outreach.bench.keyshift;
    const read = async (name: string) => (await store.connections.findByCustomer(name))!;
    for (const name of ['consented', 'declined', 'unsubscribed', 'revoked']) {
      await outreach.invite(await outreach.add(name));
    }
    await outreach.bench.keyshift.outreach.outbox.run();
    await outreach.bench.clock.advance(4 * dayMs);
    await machine.move(store, await read('consented'), 'authorized', { actor: 'test' });
    await machine.flag(store, await read('declined'), 'consent_denied', { actor: 'test' });
    await store.optOuts.add('unsubscribed@shop.example', 0, 'test');
    await invitations.revoke(await read('revoked'), 'test');
    expect(await remind(outreach)).toMatchObject({ queued: 1, opted_out: 1 });
    expect(await outreach.bench.keyshift.outreach.outbox.run()).toMatchObject({ sent: 1 });
    expect(outreach.sink.mails.at(-1)?.to).toBe('acme@shop.example');
    await outreach.bench.clock.advance(30 * dayMs);
    expect(await remind(outreach)).toMatchObject({ queued: 0 });
  });

  it('waits for the end of the customer’s night, also when it is sent late', async () => {
    await using outreach = await open();
    const { store, outreach: service } = outreach.bench.keyshift;
    await outreach.bench.clock.advance(4 * dayMs);
    const hour = new Date(outreach.bench.clock.now()).getUTCHours();
    const quietHours = { fromMin: hour * 60, toMin: ((hour + 2) % 24) * 60, timeZone: 'UTC' };
    expect(await remind(outreach, { quietHours })).toMatchObject({ queued: 1 });
    expect(await service.outbox.run({ quietHours })).toMatchObject({ sent: 0 });
    await outreach.bench.clock.advance(24 * 3_600_000);
    expect(await service.outbox.run({ quietHours })).toMatchObject({ sent: 0, waiting: 1 });
    await outreach.bench.clock.advance(
      (await store.outbox.nextDueMs())! - outreach.bench.clock.now(),
    );
    expect(await service.outbox.run({ quietHours })).toMatchObject({ sent: 1 });
  });
});
