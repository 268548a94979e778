import type { Clock } from '../../runtime/clock.ts';
import type { Random } from '../../runtime/random.ts';
import type { Labels } from '../../model/labels.ts';
import type { MessageChannel, OutboxEntry } from '../../model/message.ts';
import { mayBeReminded, type Connection } from '../../model/connection.ts';
import { isInvited, stagesWhere } from '../../model/stages.ts';
import type { Store } from '../../store/store.ts';
import type { Invitations } from '../consent/invitations.ts';
import { queueMessage } from './queue-message.ts';
import { nextOpenMs } from './quiet-hours.ts';
import type { ReminderPolicy } from './reminder-policy.ts';

/** Why a customer is not reminded now. */
export type ReminderVerdict =
  | 'queued'
  /** The link is on its way, or the last message is too young. */
  | 'too_early'
  | 'cap_reached'
  /** Never written to by a channel that can remind. */
  | 'not_told'
  | 'no_link'
  | 'opted_out'
  | 'no_address';

/** What {@link createReminders} works with. */
export interface RemindersOptions {
  readonly store: Store;
  readonly invitations: Pick<Invitations, 'findOpen'>;
  readonly clock: Clock;
  readonly random: Random;
}

/** Whom {@link Reminders.queue} is about. */
export interface ReminderRun {
  readonly policy: ReminderPolicy;
  readonly labels?: Labels | undefined;
  readonly wave?: string | undefined;
  /** Says what would be queued, and queues nothing. */
  readonly dryRun?: boolean;
  readonly onVerdict?: (connection: Connection, verdict: ReminderVerdict, dueAtMs: number) => void;
  readonly signal?: AbortSignal;
}

/** Reminds customers who were told and have not answered. */
export interface Reminders {
  /**
   * Queues what is due, by the channels of the invitation. Never to those who consented, declined,
   * asked for no more mail, or whose link was revoked or has expired; each reminder once, however
   * often this runs.
   */
  queue(run: ReminderRun): Promise<Readonly<Record<ReminderVerdict, number>>>;
}

/** Where an answer may be awaited; who declined is not reminded. */
const waitingStages = [...stagesWhere(isInvited), 'attention'] as const;
const dayMs = 86_400_000;

/** Creates the service. */
export function createReminders(options: RemindersOptions): Reminders {
  const { store, invitations, clock } = options;

  async function remind(connection: Connection, run: ReminderRun): Promise<ReminderVerdict> {
    const { policy } = run;
    const open = await invitations.findOpen(connection);
    if (!open) return 'no_link';
    const told: OutboxEntry[] = [];
    for await (const entry of store.outbox.list({ invitationId: open.invitation.id })) {
      if (entry.kind !== 'hand_over') told.push(entry);
    }
    const channels = channelsOf(told);
    if (channels.length === 0) return 'not_told';
    const reminders = told.filter(
      ({ kind, state }) => kind === 'reminder' && state !== 'cancelled',
    );
    const turnsBy = channels.map((each) => reminders.filter((one) => one.channel === each).length);
    const turn = Math.max(...turnsBy) + 1;
    // Also one that waits, or of which nobody knows whether it arrived, was told.
    const lastAtMs = Math.max(...told.map((entry) => entry.endedAtMs ?? entry.dueAtMs));
    const nowMs = clock.now();
    if (turn > policy.cap) return 'cap_reached';
    if (nowMs - lastAtMs < policy.afterDays * dayMs) return 'too_early';
    const labels = await store.labels.of(connection.id);
    const dueAtMs = policy.quietHours
      ? nextOpenMs(nowMs, policy.quietHours, labels['time_zone'])
      : nowMs;
    if (dueAtMs >= open.invitation.expiresAtMs) return 'no_link';
    run.onVerdict?.(connection, 'queued', dueAtMs);
    if (run.dryRun === true) return 'queued';
    let verdict: ReminderVerdict = 'no_address';
    for (const channel of channels) {
      const queued = await queueMessage(
        store,
        { connection, ...open, kind: 'reminder', channel, turn: String(turn), dueAtMs },
        options,
      );
      if (verdict !== 'queued') verdict = queued === 'queued_before' ? 'too_early' : queued;
    }
    return verdict;
  }

  return {
    async queue(run) {
      const counts: Record<ReminderVerdict, number> = {
        ...{ queued: 0, too_early: 0, cap_reached: 0, not_told: 0 },
        ...{ no_link: 0, opted_out: 0, no_address: 0 },
      };
      const { labels, wave, signal } = run;
      const filter = { stages: waitingStages, ...(labels && { labels }), ...(wave && { wave }) };
      for await (const connection of store.connections.list(filter)) {
        if (signal?.aborted === true) break;
        if (!mayBeReminded(connection)) continue;
        counts[await remind(connection, run)] += 1;
      }
      return counts;
    },
  };
}

/** The channels by which the invitation went out, or is about to. */
function channelsOf(told: readonly OutboxEntry[]): MessageChannel[] {
  const channels = told
    .filter(
      ({ kind, state }) => kind === 'invitation' && state !== 'cancelled' && state !== 'failed',
    )
    .map(({ channel }) => channel)
    .filter((channel) => channel !== 'export');
  return [...new Set(channels)];
}
