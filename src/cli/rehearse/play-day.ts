import { isKeyshiftError } from '../../errors/keyshift-error.ts';
import type { Connection } from '../../model/connection.ts';
import { isWatched, stagesWhere } from '../../model/stages.ts';
import { forEachConcurrently } from '../../runtime/concurrently.ts';
import { followInvitation } from '../demo/person.ts';
import { keyOf, officeHours, workOf } from './operator.ts';
import { actionsOn, emailOf, type Person, type PersonAction } from './people.ts';
import { dayMs, firstDayMs, hourMs } from './rehearsal-settings.ts';
import type { StageSet } from './stage-set.ts';

const concurrency = 16;

/** When the machines work; between the office hours and this the day belongs to the people. */
const night = 22;

/**
 * Plays one day from an hour on, and saves after every hour that it is done. A crash loses the
 * hour under way, which is then played again: whoever acted in it acts again.
 */
export async function playDay(
  set: StageSet,
  day: number,
  fromHour: number,
  signal: AbortSignal,
): Promise<void> {
  const plan = planPeople(set, day);
  for (let hour = fromHour; hour < 24; hour += 1) {
    const work = workAt(set, day, hour, plan.get(hour) ?? [], signal);
    if (!work) continue;
    set.clock.jumpTo(firstDayMs + day * dayMs + hour * hourMs);
    await work();
    if (signal.aborted) return;
    set.world.saveProgress({ day, hour: hour + 1 });
  }
  set.world.saveProgress({ day: day + 1, hour: 0 });
}

type Step = () => Promise<void>;

function workAt(
  set: StageSet,
  day: number,
  hour: number,
  people: readonly Step[],
  signal: AbortSignal,
): Step | undefined {
  if (hour <= officeHours.mail) return workOf(set, day, hour, signal);
  if (hour === night) {
    return async () => {
      await carryTraffic(set);
      await set.keyshift.watch.round(signal);
      await set.sweeper.sweep(signal);
    };
  }
  return people.length === 0
    ? undefined
    : () => forEachConcurrently(people, concurrency, (step) => step());
}

/** What people do today, by the hour. A mail of this morning may move them today. */
function planPeople(
  set: StageSet,
  day: number,
): { get(hour: number): readonly Step[] | undefined } {
  let plan: Map<number, Step[]> | undefined;
  const draw = () => {
    const steps = new Map<number, Step[]>();
    const add = (hour: number, step: Step) => {
      const known = steps.get(hour);
      if (known) known.push(step);
      else steps.set(hour, [step]);
    };
    for (const person of set.people) {
      const mails = set.world.mailsOf(person.index);
      const first = mails[0];
      if (!first) continue;
      for (const action of actionsOn(person, day, mails)) {
        add(action.hour, () => act(set, person, action));
      }
      const removalDay = first.day + person.delayDays + person.uninstallsAfterDays;
      if (person.persona === 'uninstall_later' && removalDay === day) {
        add(19, async () => {
          uninstall(set, person);
        });
      }
    }
    return steps;
  };
  // Drawn when the first of them is asked for: the mails of the morning are there by then.
  return { get: (hour) => (hour <= officeHours.mail ? undefined : (plan ??= draw()).get(hour)) };
}

async function act(set: StageSet, person: Person, action: PersonAction): Promise<void> {
  const { send, accounts, settings } = set;
  const own = accounts[person.index]?.id ?? '';
  const { link } = action;
  switch (action.kind) {
    case 'scan':
      for (let visit = 0; visit < 10; visit += 1) {
        for (const method of ['GET', 'HEAD']) await (await send(link, { method })).arrayBuffer();
      }
      return;
    case 'consent':
      await followInvitation(link, { decision: 'allow', account: own }, send);
      return;
    case 'deny':
      await followInvitation(link, { decision: 'deny', account: own }, send);
      return;
    case 'consent_wrongly': {
      // Half of them choose an agency's account, half another customer's.
      const other =
        person.index % 2 === 0 ? settings.customers : (person.index + 1) % settings.customers;
      await followInvitation(link, { decision: 'allow', account: accounts[other]?.id ?? '' }, send);
      return;
    }
    case 'delete_key':
      set.world.deleteKey(keyOf(set, person));
      return;
    case 'try_without_role':
      await refusedByRole(
        followInvitation(link, { decision: 'allow', account: own, user: emailOf(person) }, send),
      );
      return;
    default:
      action.kind satisfies never;
  }
}

/** Klaviyo keeps such a person on a page of its own. */
async function refusedByRole(attempt: Promise<unknown>): Promise<void> {
  try {
    await attempt;
  } catch (error) {
    if (!isKeyshiftError(error, 'authorization_failed')) throw error;
  }
}

/** From Klaviyo's side, without a word to the app. */
function uninstall({ sandbox, accounts, clientId }: StageSet, { index }: Person): void {
  const account = accounts[index];
  if (account) sandbox.uninstall(account.id, clientId);
}

/** Calls a day by every application whose customer's traffic is moving or has moved. */
async function carryTraffic({ keyshift }: StageSet): Promise<void> {
  const moving: Connection[] = [];
  for await (const each of keyshift.store.connections.list({ stages: stagesWhere(isWatched) })) {
    moving.push(each);
  }
  await forEachConcurrently(moving, concurrency, async ({ customerId, stage }) => {
    const connection = keyshift.connection({ customerId });
    try {
      for (let call = 0; call < (stage === 'canary' ? 4 : 1); call += 1) {
        await (await connection.fetch('/api/profiles?page[size]=1')).text();
      }
    } catch (error) {
      // A customer whose calls fail stops nobody else's.
      if (!isKeyshiftError(error)) throw error;
    }
  });
}
