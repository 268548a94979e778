import { isKeyshiftError } from '../../errors/keyshift-error.ts';
import { checkKeys } from '../../migration/check-keys.ts';
import { readCustomers } from '../../migration/customer-file.ts';
import { importCustomers } from '../../migration/import-customers.ts';
import type { Connection, Stage } from '../../store/records.ts';
import { forEachConcurrently } from '../concurrently.ts';
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

/**
 * What the company does every morning, with the commands that it would use. Every step can be
 * done again: after a crash in the middle of a morning, the whole morning is.
 */
export async function workMorning(set: StageSet, day: number, signal: AbortSignal): Promise<void> {
  if (day === 0) await importAndCheck(set, signal);
  await inviteWaves(set, day);
  await remind(set, day);
  await forEachAt(set, ['authorized'], (each) => set.keyshift.verify(each, { actor }));
  await moveTraffic(set);
  await retire(set, day);
}

/** Asks whoever is quiet to delete the key at Klaviyo, and destroys it once that is done. */
async function retire(set: StageSet, day: number): Promise<void> {
  const { settings, clock, keyshift, world } = set;
  const policy = { quietMs: settings.quietDays * dayMs, minSuccessPercent: 99 };
  await forEachAt(set, ['live', 'quiet'], async (connection) => {
    const sinceMs = connection.liveSinceMs ?? connection.updatedAtMs;
    if (sinceMs + policy.quietMs > clock.now()) return;
    const request = { policy, demand: { kind: 'probe' }, actor } as const;
    const { outcome } = await keyshift.retire.retire(connection, request);
    const instructions = { day, kind: 'key instructions', link: '' };
    if (outcome === 'waiting') world.deliver(indexOf(connection), instructions);
  });
}

/** By a canary first, where one is wanted; whoever was one for long enough moves wholly. */
async function moveTraffic(set: StageSet): Promise<void> {
  const { cutover } = set.keyshift;
  const { canaryPercent, canaryDays } = set.settings;
  const today = dayOf(set.clock.now());
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

/** Invites every wave whose day has come, whoever of it could not be invited before included. */
async function inviteWaves(set: StageSet, day: number): Promise<void> {
  const { settings, people } = set;
  const due = Math.floor(day / settings.waveDays);
  await forEachAt(set, ['checked'], async (connection) => {
    const person = people[indexOf(connection)];
    if (person && waveOf(settings, person.index) <= due) await send(set, person, connection, day);
  });
}

async function send(
  { keyshift, settings, world, publicUrl }: StageSet,
  person: Person,
  connection: Connection,
  day: number,
  kind = 'invitation',
): Promise<void> {
  const { token } = await keyshift.invitations.issue(connection, settings.validDays * dayMs, actor);
  world.deliver(person.index, { day, kind, link: `${publicUrl}/connect/${token.reveal()}` });
}

/** Reminds whoever has a link that is still good, and did not decline. */
async function remind(set: StageSet, day: number): Promise<void> {
  const { settings, people, keyshift, world } = set;
  await forEachAt(set, ['invited', 'opened'], async (connection) => {
    const person = people[indexOf(connection)];
    const [invitation] = await keyshift.store.invitations.listByConnection(connection.id);
    if (!person || !invitation) return;
    if (world.mailsOf(person.index).length === 0) {
      // The invitation was written, and the crash came before its mail.
      await send(set, person, connection, dayOf(invitation.createdAtMs));
    }
    const age = day - dayOf(invitation.createdAtMs);
    const number = settings.reminderDays.indexOf(age) + 1;
    if (number === 0 || age >= settings.validDays) return;
    await send(set, person, connection, day, `reminder ${number}`);
  });
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
