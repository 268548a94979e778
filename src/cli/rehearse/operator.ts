import { checkKeys } from '../../migration/import/check-keys.ts';
import { readCustomers } from '../../migration/import/customer-file.ts';
import { importCustomers } from '../../migration/import/import-customers.ts';
import { retireStep, verifyStep } from '../../migration/operate/consent-steps.ts';
import { inviteCustomers } from '../../migration/operate/invite.ts';
import { applyPlan, otherStage, planFor, type UseCase } from '../../migration/operate/plan.ts';
import { queueReminders } from '../../migration/operate/remind.ts';
import type { Selection } from '../../migration/operate/selection.ts';
import { canaryStep, cutoverStep } from '../../migration/operate/traffic-steps.ts';
import { defaultReminderPolicy } from '../../model/reminder-policy.ts';
import type { Connection } from '../../model/connection.ts';
import { mayRetire, stagesWhere } from '../../model/stages.ts';
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
  const { settings, keyshift, world } = set;
  const policy = { quietMs: settings.quietDays * dayMs, minSuccessPercent: 99 };
  const step = retireStep(keyshift.retire, { policy, demand: { kind: 'probe' } });
  await carryOut(set, { stages: stagesWhere(mayRetire) }, step, (connection, { outcome }) => {
    if (outcome !== 'waiting') return;
    const id = `key instructions ${connection.id}`;
    world.deliver(indexOf(connection), { id, day, kind: 'key instructions', link: '' });
  });
}

/** By a canary first, where one is wanted; whoever was one for long enough moves wholly. */
async function moveTraffic(set: StageSet): Promise<void> {
  const { keyshift, settings, clock } = set;
  const { canaryPercent, canaryDays } = settings;
  const today = dayOf(clock.now());
  const cutover = cutoverStep(keyshift);
  await carryOut(set, { stages: ['authorized'] }, verifyStep(keyshift.verify));
  await carryOut(
    set,
    { stages: ['canary'] },
    {
      ...cutover,
      decide: async (connection) =>
        today < dayOf(connection.watchedSinceMs ?? 0) + canaryDays
          ? otherStage(connection, 'its days as a canary are not over')
          : cutover.decide(connection),
    },
  );
  const first = canaryPercent === 0 ? cutover : canaryStep(keyshift, canaryPercent);
  await carryOut(set, { stages: ['verified'] }, first);
}

/** Plans and applies a use case. No other process has to obey, so that nobody waits for one. */
async function carryOut<Change, Result>(
  { keyshift: { store } }: StageSet,
  selection: Selection,
  useCase: UseCase<Change, Result>,
  onDone?: (connection: Connection, result: Result) => void,
): Promise<void> {
  const steps = { carryOut: useCase.carryOut };
  await applyPlan(store, planFor(store, selection, useCase), steps, {
    ...{ actor, concurrency },
    onOutcome(outcome) {
      if (outcome.kind === 'done') onDone?.(outcome.connection, outcome.result);
    },
  });
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
    const [key, wave] = [keyOf(set, person), waveOf(set.settings, person.index) + 1];
    return [person.customerId, key, `"${name.replaceAll('"', '""')}"`, email, wave];
  });
  return [['customer_id', 'private_key', 'name', 'email', 'wave'], ...rows].join('\n');
}

/** Invites every wave whose day has come, queues reminders, and sends what is due. */
async function writeToCustomers(set: StageSet, day: number, signal: AbortSignal): Promise<void> {
  const { settings, keyshift } = set;
  const validForMs = settings.validDays * dayMs;
  const due = Math.floor(day / settings.waveDays) + 1;
  for (let wave = 1; wave <= Math.min(due, settings.waves.length); wave += 1) {
    // Whoever let a link run out is at a later stage, and is not invited again.
    const selection: Selection = { cohort: { wave: `${wave}` }, stages: ['checked'] };
    const request = { validForMs, wave: `${wave}`, channels: ['webhook'] } as const;
    await carryOut(set, selection, await inviteCustomers(keyshift, request, selection));
  }
  const { reminderDays: afterDays, reminders: cap } = settings;
  const policy = { ...defaultReminderPolicy, afterDays, cap };
  await queueReminders(keyshift, policy, { actor, signal });
  await set.outbox.run({ signal, quietHours: policy.quietHours });
}

/** The place of a customer among all: its id ends with its number. */
export function indexOf({ customerId }: Connection): number {
  return Number(customerId.slice(customerId.lastIndexOf('-') + 1)) - 1;
}
