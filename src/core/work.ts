import { loadReminderPolicy, queueReminders } from '../migration/operate/remind.ts';
import { defaultReminderPolicy } from '../model/reminder-policy.ts';
import type { Watch } from '../migration/cutover/watch.ts';
import { runService, type Service } from '../runtime/service.ts';
import type { Sweeper } from '../tokens/sweeper.ts';
import type { Workbench } from './workbench.ts';

/** What the work is done with. */
export interface WorkParts extends Pick<
  Workbench,
  'config' | 'store' | 'invitations' | 'outreach' | 'clock' | 'random' | 'logger'
> {
  readonly sweeper: Pick<Sweeper, 'run'>;
  readonly watch: Pick<Watch, 'run'>;
}

/**
 * Does what a Keyshift does without being asked, until the signal ends it: refreshes tokens before
 * they end, holds connections on which OAuth does worse than the key, sends messages and reminders,
 * and deletes what has had its time. Processes that share a database share the work. Resolves when
 * everything under way has ended.
 */
export async function runWork(parts: WorkParts, signal: AbortSignal): Promise<void> {
  const services = [createHousekeeping(parts), ...createMessaging(parts)];
  await Promise.all([
    parts.sweeper.run(signal),
    parts.watch.run(signal),
    ...services.map((service) => runService(service, parts, signal)),
  ]);
}

const dayMs = 24 * 3_600_000;
/** A browser can look at the end of its attempt again for as long as it has the cookie. */
const attemptsKeptMs = 3_600_000;
/** Counts of calls are kept for half a year: longer than a migration takes. */
const trafficKeptMs = 180 * dayMs;

function createHousekeeping({ store, clock }: WorkParts): Service {
  return {
    name: 'deleting what has had its time',
    everyMs: 10 * 60_000,
    async round() {
      await store.authorizations.purge(clock.now() - attemptsKeptMs);
      await store.traffic.purge(clock.now() - trafficKeptMs);
      await store.keySightings.purge(clock.now() - trafficKeptMs);
      return undefined;
    },
  };
}

const sendEveryMs = 5_000;
/** A mail server that is not there is asked again after a while. */
const unavailableMs = 60_000;
/** How the audit log names what is done without being asked. */
const actor = 'keyshift';
const remindEveryMs = 10 * 60_000;

/** Reminds by the saved rules and sends messages as they fall due; nothing where no channel is set up. */
function createMessaging(parts: WorkParts): Service[] {
  const { config, store, outreach, clock, logger } = parts;
  const { smtp, sender, webhook } = config.outreach;
  if (!(smtp && sender) && !webhook) return [];

  const reminders: Service = {
    name: 'queuing reminders',
    everyMs: sendEveryMs,
    afterFailureMs: unavailableMs,
    async round(signal) {
      const policy = await loadReminderPolicy(store);
      if (!policy) return undefined;
      const { queued } = await queueReminders(parts, policy, { actor, signal });
      if (queued > 0) logger.info({ queued }, 'reminders queued');
      return remindEveryMs;
    },
  };

  const outbox: Service = {
    name: 'sending messages',
    everyMs: sendEveryMs,
    afterFailureMs: unavailableMs,
    async round(signal) {
      const dueMs = await store.outbox.nextDueMs();
      const isDue = dueMs !== undefined && dueMs <= clock.now();
      if (!isDue && (await store.outbox.listOwners()).length === 0) return undefined;
      const { quietHours } = (await loadReminderPolicy(store)) ?? defaultReminderPolicy;
      const { unavailable, ...counts } = await outreach.outbox.run({ signal, quietHours });
      const ended = counts.sent + counts.failed + counts.uncertain + counts.cancelled;
      if (ended > 0) logger.info(counts, 'messages sent');
      if (counts.uncertain + counts.failed > 0) {
        logger.warn(counts, 'some messages need attention: run keyshift outbox');
      }
      if (Object.keys(unavailable).length === 0) return undefined;
      logger.warn(
        { unavailable },
        'messages are waiting: the mail server or webhook is not available',
      );
      return unavailableMs;
    },
  };
  return [reminders, outbox];
}
