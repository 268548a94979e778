import type { MessageChannel, OutboxEntry } from './message.ts';

/** When customers are reminded. */
export interface ReminderPolicy {
  /** Days after the invitation, and after each reminder. */
  readonly afterDays: number;
  /** Most reminders of one invitation. */
  readonly cap: number;
  readonly quietHours: QuietHours | undefined;
}

/** A part of the day in which nobody is reminded; `from` 20:00 `to` 8:00 is the night. */
export interface QuietHours {
  /** Minutes after midnight. */
  readonly fromMin: number;
  /** Minutes after midnight, not quiet any more. */
  readonly toMin: number;
  /** IANA name, of those whose label `time_zone` names none. */
  readonly timeZone: string;
}

/** What holds until something else is said: twice, a week apart, by day. */
export const defaultReminderPolicy: ReminderPolicy = {
  afterDays: 7,
  cap: 2,
  quietHours: { fromMin: 20 * 60, toMin: 8 * 60, timeZone: 'UTC' },
};

/** What was said about an invitation so far, or is about to be. */
export type ToldMessage = Pick<OutboxEntry, 'kind' | 'channel' | 'state' | 'dueAtMs' | 'endedAtMs'>;

/** The next reminder of an invitation, or why there is none now. */
export type NextReminder =
  | {
      readonly kind: 'due';
      /** The first is 1. */
      readonly turn: number;
      /** The channels by which the invitation went out. */
      readonly channels: readonly MessageChannel[];
      /** Now, or the end of the quiet hours. */
      readonly dueAtMs: number;
    }
  | {
      /**
       * `not_told`: never written to by a channel that can remind; `too_early`: the last message is
       * too young; `no_link`: the link ends before the reminder would go out.
       */
      readonly kind: 'not_told' | 'limit_reached' | 'too_early' | 'no_link';
    };

const dayMs = 86_400_000;

/** Decides about the next reminder of an invitation that is open. */
export function nextReminder(
  policy: ReminderPolicy,
  facts: {
    readonly told: readonly ToldMessage[];
    readonly nowMs: number;
    /** When the link ends. */
    readonly expiresAtMs: number;
    /** The customer's own, for the quiet hours. */
    readonly timeZone: string | undefined;
  },
): NextReminder {
  const { nowMs, expiresAtMs, timeZone } = facts;
  // A link that was passed on to somebody else says nothing about whom it was meant for.
  const told = facts.told.filter(({ kind }) => kind !== 'hand_over');
  const channels = channelsOf(told);
  if (channels.length === 0) return { kind: 'not_told' };
  const reminders = told.filter(({ kind, state }) => kind === 'reminder' && state !== 'cancelled');
  const turnsBy = channels.map((each) => reminders.filter((one) => one.channel === each).length);
  const turn = Math.max(...turnsBy) + 1;
  if (turn > policy.cap) return { kind: 'limit_reached' };
  // Also one that waits, or of which nobody knows whether it arrived, was told.
  const lastAtMs = Math.max(...told.map((entry) => entry.endedAtMs ?? entry.dueAtMs));
  if (nowMs - lastAtMs < policy.afterDays * dayMs) return { kind: 'too_early' };
  const dueAtMs = policy.quietHours ? nextOpenMs(nowMs, policy.quietHours, timeZone) : nowMs;
  return dueAtMs >= expiresAtMs ? { kind: 'no_link' } : { kind: 'due', turn, channels, dueAtMs };
}

/** The channels by which the invitation went out, or is about to. */
function channelsOf(told: readonly ToldMessage[]): MessageChannel[] {
  const channels = told
    .filter(
      ({ kind, state }) => kind === 'invitation' && state !== 'cancelled' && state !== 'failed',
    )
    .map(({ channel }) => channel)
    .filter((channel) => channel !== 'export');
  return [...new Set(channels)];
}

const stepMs = 5 * 60_000;
const longestMs = 26 * 3_600_000;

/**
 * The next moment that is not quiet where the customer is; `atMs` itself when it is not. Summer
 * time is the zone's own.
 *
 * @example
 * ```ts
 * nextOpenMs(atNineInTheEvening, { fromMin: 20 * 60, toMin: 8 * 60, timeZone: 'Europe/Berlin' });
 * ```
 */
export function nextOpenMs(atMs: number, quiet: QuietHours, customerZone?: string): number {
  const zone =
    customerZone !== undefined && isTimeZone(customerZone) ? customerZone : quiet.timeZone;
  const minuteOf = createMinuteOf(zone);
  if (!isQuiet(minuteOf(atMs), quiet)) return atMs;
  // Zones are whole multiples of a quarter of an hour away from UTC.
  let nextMs = Math.ceil(atMs / stepMs) * stepMs;
  while (isQuiet(minuteOf(nextMs), quiet) && nextMs - atMs < longestMs) nextMs += stepMs;
  return nextMs;
}

/** Whether a text is the name of a time zone that this Node knows. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function isQuiet(minute: number, { fromMin, toMin }: QuietHours): boolean {
  return fromMin <= toMin
    ? minute >= fromMin && minute < toMin
    : minute >= fromMin || minute < toMin;
}

function createMinuteOf(timeZone: string): (atMs: number) => number {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  return (atMs) => {
    const [hour = '0', minute = '0'] = format.format(atMs).split(':');
    return Number(hour) * 60 + Number(minute);
  };
}
