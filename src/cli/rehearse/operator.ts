import { isKeyshiftError } from '../../errors/keyshift-error.ts';
import { checkKeys } from '../../migration/import/check-keys.ts';
import { readCustomers } from '../../migration/import/customer-file.ts';
import { importCustomers } from '../../migration/import/import-customers.ts';
import { queueMessage } from '../../migration/outreach/queue-message.ts';
import { queueReminders } from '../../migration/operate/remind.ts';
import { defaultReminderPolicy } from '../../model/reminder-policy.ts';
import type { Connection } from '../../model/connection.ts';
import { mayRetire, stagesWhere, type Stage } from '../../model/stages.ts';
import { forEachConcurrently } from '../../runtime/concurrently.ts';
import type { Person } from './people.ts';
import { dayMs, dayOf, waveOf } from './rehearsal-settings.ts';
import type { StageSet } from './stage-set.ts';

const actor = 'rehearsal';
const concurrency = 16;
const deadKey = (index: number) => `pk_${String(index).padStart(34, '0')}`;

/** The private key that a customer once pasted. */
export function keyOf({ accounts }: StageSet, { index, persona }: Person): string {
  const key = accounts[index]?.keys[0]?.key;
  return persona === 'key_dead' || key === undefined ? deadKey(index) : key;
}

/** The hours at which the company works; nothing that it does at one waits for the clock. */
export const officeHours = { keys: 5, traffic: 6, retirement: 7, mail: 8 } as const;

/**
 * What the company does in an hour of its morning, by the services behind its commands. Each can
 * be done again: after a crash in the middle of it, it is.
 */
export function workOf(
  set: StageSet,
  day: number,
  hour: number,
  signal: AbortSignal,
): (() => Promise<void>) | undefined {
  switch (hour) {
    case officeHours.keys:
      return day === 0 ? () => importAndCheck(set, signal) : undefined;
    case officeHours.traffic:
      return () => moveTraffic(set);
    case officeHours.retirement:
      return () => retire(set, day);
    case officeHours.mail:
      return () => writeToCustomers(set, day, signal);
    default:
      return undefined;
  }
}

/** Asks whoever is quiet to delete the key at Klaviyo, and destroys it once that is done. */
async function retire(set: StageSet, day: number): Promise<void> {
  const { settings, clock, keyshift, world } = set;
  const policy = { quietMs: settings.quietDays * dayMs, minSuccessPercent: 99 };
  await forEachAt(set, stagesWhere(mayRetire), async (connection) => {
    const sinceMs = connection.liveSinceMs ?? connection.updatedAtMs;
    if (sinceMs + policy.quietMs > clock.now()) return;
    const request = { policy, demand: { kind: 'probe' }, actor } as const;
    const { outcome } = await keyshift.retire.retire(connection, request);
    if (outcome !== 'waiting') return;
    const id = `key instructions ${connection.id}`;
    world.deliver(indexOf(connection), { id, day, kind: 'key instructions', link: '' });
  });
}

/** By a canary first, where one is wanted; whoever was one for long enough moves wholly. */
async function moveTraffic(set: StageSet): Promise<void> {
  const { cutover, verify } = set.keyshift;
  const { canaryPercent, canaryDays } = set.settings;
  const today = dayOf(set.clock.now());
  await forEachAt(set, ['authorized'], (connection) => verify(connection, { actor }));
  await forEachAt(set, ['canary'], async (connection) => {
    if (today < dayOf(connection.watchedSinceMs ?? 0) + canaryDays) return;
    await cutover.cutOver(connection, actor);
  });
  await forEachAt(set, ['verified'], (connection) =>
    canaryPercent === 0
      ? cutover.cutOver(connection, actor)
      : cutover.startCanary(connection, canaryPercent, actor),
  );
}

async function importAndCheck(set: StageSet, signal: AbortSignal): Promise<void> {
  const { store, machine, clock, random, lookUpAccount } = set.keyshift;
  const batch = { store, machine, clock, random, actor, signal };
  await importCustomers(readCustomers(toCsv(set)), batch);
  await checkKeys({ ...batch, lookUpAccount, concurrency });
}

function toCsv(set: StageSet): string {
  const rows = set.people.map((person) => {
    const { name = '', email = '' } = set.accounts[person.index] ?? {};
    return [person.customerId, keyOf(set, person), `"${name.replaceAll('"', '""')}"`, email];
  });
  return [['customer_id', 'private_key', 'name', 'email'], ...rows].join('\n');
}

/** Invites every wave whose day has come, queues reminders, and sends what is due. */
async function writeToCustomers(set: StageSet, day: number, signal: AbortSignal): Promise<void> {
  const { settings, people, keyshift } = set;
  const due = Math.floor(day / settings.waveDays);
  // Who was invited before is among them: the crash may have come before the message.
  await forEachAt(set, ['checked', 'invited', 'opened'], async (connection) => {
    const person = people[indexOf(connection)];
    const wave = person && waveOf(settings, person.index);
    if (wave !== undefined && wave <= due) await inviteOnce(set, connection, wave);
  });
  const { reminderDays: afterDays, reminders: cap } = settings;
  const policy = { ...defaultReminderPolicy, afterDays, cap };
  await queueReminders(keyshift, policy, { actor, signal });
  await set.outbox.run({ signal, quietHours: policy.quietHours });
}

/** Whoever let a link run out is not invited again. */
async function inviteOnce(
  { keyshift, settings }: StageSet,
  connection: Connection,
  wave: number,
): Promise<void> {
  const { store, invitations } = keyshift;
  if (connection.stage !== 'checked' && !(await invitations.findOpen(connection))) return;
  const validForMs = settings.validDays * dayMs;
  const issued = await invitations.issue(connection, validForMs, actor, { wave: `${wave + 1}` });
  await queueMessage(
    store,
    { connection, invitation: issued.invitation, kind: 'invitation', channel: 'webhook' },
    keyshift,
  );
}

/** The place of a customer among all: its id ends with its number. */
export function indexOf({ customerId }: Connection): number {
  return Number(customerId.slice(customerId.lastIndexOf('-') + 1)) - 1;
}

/** Works over the connections at some stages; one that cannot be moved stops no other. */
export async function forEachAt(
  { keyshift }: Pick<StageSet, 'keyshift'>,
  stages: readonly Stage[],
  work: (connection: Connection) => Promise<unknown>,
): Promise<void> {
  const connections: Connection[] = [];
  for await (const connection of keyshift.store.connections.list({ stages })) {
    connections.push(connection);
  }
  await forEachConcurrently(connections, concurrency, async (connection) => {
    try {
      await work(connection);
    } catch (error) {
      if (!isKeyshiftError(error)) throw error;
    }
  });
}
