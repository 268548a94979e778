import {
  defaultReminderPolicy,
  loadReminderPolicy,
} from '../migration/outreach/reminder-policy.ts';
import type { Workbench } from './workbench.ts';

const everyMs = 5_000;
/** A mail server that is not there is asked again after a while. */
const everyUnavailableMs = 60_000;
const remindEveryMs = 10 * 60_000;

/** Sends messages as they fall due, and reminds by the saved rules, until the signal ends it. */
export async function keepOutreach(
  workbench: Pick<Workbench, 'config' | 'store' | 'outreach' | 'clock' | 'logger'>,
  signal: AbortSignal,
): Promise<void> {
  const { config, store, outreach, clock, logger } = workbench;
  const { smtp, sender, webhook } = config.outreach;
  if (!(smtp && sender) && !webhook) return;
  let remindAtMs = 0;

  async function round(): Promise<number> {
    const policy = await loadReminderPolicy(store);
    if (policy && clock.now() >= remindAtMs) {
      remindAtMs = clock.now() + remindEveryMs;
      const { queued } = await outreach.reminders.queue({ policy, signal });
      if (queued > 0) logger.info({ queued }, 'reminders queued');
    }
    const dueMs = await store.outbox.nextDueMs();
    const isDue = dueMs !== undefined && dueMs <= clock.now();
    if (!isDue && (await store.outbox.listOwners()).length === 0) return everyMs;
    const { quietHours } = policy ?? defaultReminderPolicy;
    const run = await outreach.outbox.run({ signal, quietHours });
    const { unavailable, ...counts } = run;
    const ended = counts.sent + counts.failed + counts.uncertain + counts.cancelled;
    if (ended > 0) logger.info(counts, 'messages sent');
    if (counts.uncertain + counts.failed > 0) {
      logger.warn(counts, 'some messages need a look: keyshift outbox');
    }
    if (Object.keys(unavailable).length === 0) return everyMs;
    logger.warn({ unavailable }, 'messages wait: the other side cannot be used');
    return everyUnavailableMs;
  }

  while (!signal.aborted) {
    const pauseMs = await round().catch((error: unknown) => {
      logger.error({ err: error }, 'messages could not be sent; the next round tries again');
      return everyUnavailableMs;
    });
    await clock.sleep(pauseMs, signal).catch(() => undefined);
  }
}
