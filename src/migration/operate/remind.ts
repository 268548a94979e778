import { z } from 'zod';
import { KeyshiftError } from '../../errors/keyshift-error.ts';
import { mayBeReminded, type Connection } from '../../model/connection.ts';
import type { MessageChannel, OutboxEntry } from '../../model/message.ts';
import { isTimeZone, nextReminder, type ReminderPolicy } from '../../model/reminder-policy.ts';
import { isInvited, stagesWhere } from '../../model/stages.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Random } from '../../runtime/random.ts';
import type { Store } from '../../store/store.ts';
import type { Invitations, OpenInvitation } from '../consent/invitations.ts';
import { queueMessage, whyNotQueued, type QueueVerdict } from '../outreach/queue-message.ts';
import {
  applyPlan,
  otherStage,
  planFor,
  skip,
  willChange,
  type Decision,
  type Execution,
  type Outcome,
  type SkipCode,
  type UseCase,
} from './plan.ts';
import type { Selection } from './selection.ts';

/** What reminders work with. */
export interface RemindDeps {
  readonly store: Store;
  readonly invitations: Pick<Invitations, 'findOpen'>;
  readonly clock: Clock;
  readonly random: Random;
}

/** A reminder that is due. */
export interface DueReminder extends OpenInvitation {
  /** The first is 1. */
  readonly turn: number;
  readonly channels: readonly MessageChannel[];
  readonly dueAtMs: number;
}

/** A reminder that was queued, or had been by another process. */
export interface QueuedReminder {
  readonly dueAtMs: number;
  readonly verdict: Extract<QueueVerdict, 'queued' | 'queued_before'>;
}

/**
 * Queues reminders for customers who were told and have not answered, by the channels of the
 * invitation. Never for those who consented, declined, asked for no more mail, or whose link was
 * revoked or has expired; each reminder once, however often this runs.
 */
export function remindCustomers(
  deps: RemindDeps,
  policy: ReminderPolicy,
): UseCase<DueReminder, QueuedReminder> {
  const { store, invitations, clock } = deps;

  async function decide(connection: Connection): Promise<Decision<DueReminder>> {
    if (!mayBeReminded(connection)) {
      return otherStage(connection, 'only who was invited and has not responded is reminded');
    }
    const open = await invitations.findOpen(connection);
    if (!open) return no(connection, 'no_link');
    const told: OutboxEntry[] = [];
    for await (const entry of store.outbox.list({ invitationId: open.invitation.id })) {
      told.push(entry);
    }
    const next = nextReminder(policy, {
      told,
      nowMs: clock.now(),
      expiresAtMs: open.invitation.expiresAtMs,
      timeZone: (await store.labels.of(connection.id))['time_zone'],
    });
    if (next.kind !== 'due') return no(connection, next.kind);
    const { turn, dueAtMs } = next;
    const obstacles = await Promise.all(
      next.channels.map((channel) => whyNotQueued(store, { connection, channel })),
    );
    const channels = next.channels.filter((_channel, index) => obstacles[index] === undefined);
    const [obstacle] = obstacles;
    if (channels.length === 0 && obstacle) return no(connection, obstacle);
    const ways = channels.map((channel) => channelWords[channel]).join(' and ');
    const words = `reminder ${turn} of ${policy.cap} ${ways}, ${new Date(dueAtMs).toISOString()}`;
    return willChange({ ...open, turn, channels, dueAtMs }, words);
  }

  return {
    decide,
    carryOut: (connection, { invitation, turn, channels, dueAtMs }) =>
      store.transaction(async (tx) => {
        const verdicts: QueueVerdict[] = [];
        for (const channel of channels) {
          const message = { connection, invitation, channel, dueAtMs, kind: 'reminder' } as const;
          verdicts.push(await queueMessage(tx, { ...message, turn: String(turn) }, deps));
        }
        return { dueAtMs, verdict: verdicts.includes('queued') ? 'queued' : 'queued_before' };
      }),
  };
}

const channelWords = {
  mail: 'by email',
  webhook: 'by webhook',
  export: 'in the file',
} as const satisfies Record<MessageChannel, string>;

const refusals = {
  no_link: 'has no link that could be sent again',
  not_told: 'was not written to by a channel that can remind',
  too_early: 'was written to a short while ago',
  limit_reached: 'was reminded as often as the limit allows',
  no_address: 'has no email address',
  opted_out: 'has unsubscribed',
} as const satisfies Partial<Record<SkipCode, string>>;

function no({ customerId }: Connection, code: keyof typeof refusals): Decision<never> {
  const message = `Customer ${customerId} ${refusals[code]}.`;
  return skip(code, new KeyshiftError('stage_conflict', message));
}

/** Where an answer may be awaited. */
const stages = [...stagesWhere(isInvited), 'attention'] as const;

/** Returns the connections of a selection at which a look is worth the time. */
export function awaitingAnswer(selection: Pick<Selection, 'cohort' | 'wave'>): Selection {
  return { ...selection, stages };
}

/** How many customers are reminded, and how many are not, by the reason. */
export type ReminderCounts = Readonly<Record<'queued' | keyof typeof refusals, number>>;

/** Plans and applies {@link remindCustomers} in one go. */
export async function queueReminders(
  deps: RemindDeps,
  policy: ReminderPolicy,
  options: Execution & {
    readonly among?: Pick<Selection, 'cohort' | 'wave'>;
    readonly onQueued?: (connection: Connection, dueAtMs: number) => void;
  },
): Promise<ReminderCounts> {
  const counts = {
    ...{ queued: 0, too_early: 0, limit_reached: 0, not_told: 0 },
    ...{ no_link: 0, opted_out: 0, no_address: 0 },
  };
  const { among = {}, onQueued, ...execution } = options;
  const useCase = remindCustomers(deps, policy);
  const onOutcome = (outcome: Outcome<QueuedReminder>) => {
    const { kind, connection } = outcome;
    if (kind === 'failed') throw outcome.error;
    if (kind === 'skipped') {
      if (outcome.skip.code in counts) counts[outcome.skip.code as keyof typeof counts] += 1;
    } else if (outcome.result.verdict === 'queued_before') {
      counts.too_early += 1;
    } else {
      counts.queued += 1;
      onQueued?.(connection, outcome.result.dueAtMs);
    }
  };
  const plan = planFor(deps.store, awaitingAnswer(among), useCase);
  await applyPlan(deps.store, plan, useCase, { ...execution, onOutcome });
  return counts;
}

const switchName = 'reminders';

const stored = z.object({
  afterDays: z.number(),
  cap: z.number(),
  quietHours: z
    .object({ fromMin: z.number(), toMin: z.number(), timeZone: z.string().refine(isTimeZone) })
    .optional(),
});

/** The policy by which a server reminds by itself; `undefined` when it does not. */
export async function loadReminderPolicy(
  store: Pick<Store, 'switches'>,
): Promise<ReminderPolicy | undefined> {
  const text = await store.switches.get(switchName);
  if (text === undefined) return undefined;
  const { quietHours, ...rest } = stored.parse(JSON.parse(text));
  return { ...rest, quietHours };
}

/** Lets servers remind by this policy; `undefined` ends it. */
export async function saveReminderPolicy(
  store: Pick<Store, 'switches'>,
  policy: ReminderPolicy | undefined,
  atMs: number,
  actor: string,
): Promise<void> {
  await store.switches.set(switchName, policy && JSON.stringify(policy), atMs, actor);
}
