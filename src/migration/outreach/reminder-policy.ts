import { z } from 'zod';
import type { Store } from '../../store/store.ts';
import { isTimeZone, type QuietHours } from './quiet-hours.ts';

/** When customers are reminded. */
export interface ReminderPolicy {
  /** Days after the invitation, and after each reminder. */
  readonly afterDays: number;
  /** Most reminders of one invitation. */
  readonly cap: number;
  readonly quietHours: QuietHours | undefined;
}

/** What holds until something else is said: twice, a week apart, by day. */
export const defaultReminderPolicy: ReminderPolicy = {
  afterDays: 7,
  cap: 2,
  quietHours: { fromMin: 20 * 60, toMin: 8 * 60, timeZone: 'UTC' },
};

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
