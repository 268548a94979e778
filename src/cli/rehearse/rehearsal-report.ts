import type { Connection } from '../../model/connection.ts';
import { isInvited, type Stage } from '../../model/stages.ts';
import { indexOf } from './operator.ts';
import { personas, type Persona, type Person } from './people.ts';
import { dayMs, dayOf, firstDayMs, waveOf, type RehearsalSettings } from './rehearsal-settings.ts';
import type { StageSet } from './stage-set.ts';

/** How a customer's campaign ended. */
export const outcomes = [
  'moved',
  'moved_after_reminder',
  'moved_despite_mail_scanner',
  'under_way',
  'no_answer',
  'declined',
  'wrong_account',
  'wrong_role',
  'uninstalled',
  'key_dead',
  'stuck',
] as const;
export type Outcome = (typeof outcomes)[number];

/** Half of the values lie at or below `p50`, nine in ten at or below `p90`. */
export interface Days {
  readonly p50: number;
  readonly p90: number;
}

/**
 * The report of a rehearsal: the same for the same settings, whatever the machine, and however
 * often it was interrupted. Times are days of the campaign, counted from 0.
 */
export interface RehearsalReport {
  readonly customers: number;
  readonly seed: number;
  readonly settings: RehearsalSettings;
  /** Adds up to `customers`; `stuck` is there when somebody is. */
  readonly outcomes: Readonly<Record<Exclude<Outcome, 'stuck'>, number>> & {
    readonly stuck?: number;
  };
  /** The same customers by how they are: each row adds up to the people of its kind. */
  readonly people: Readonly<Record<Persona, Readonly<Partial<Record<Outcome, number>>>>>;
  /** Customers that came as far, or farther. */
  readonly funnel: Readonly<Record<FunnelStage, number>>;
  /** Days from the invitation to what came of it. */
  readonly daysFromInvitation: Readonly<Record<'opened' | 'consented' | 'live' | 'retired', Days>>;
  readonly waves: readonly WaveReport[];
  /** Mails by kind. */
  readonly mails: Readonly<Record<string, number>>;
  /** Customers who have consented by the end of a day, every seventh day. */
  readonly consentedByDay: Readonly<Record<string, number>>;
  /** Whether the audit log proves itself, and the outcomes add up. */
  readonly auditIntact: boolean;
  readonly addsUp: boolean;
}

export interface WaveReport {
  readonly wave: number;
  readonly customers: number;
  readonly invitedOnDay: number | undefined;
  readonly consented: number;
  readonly moved: number;
}

export const funnelStages = [
  'imported',
  'checked',
  'invited',
  'opened',
  'consented',
  'canary',
  'live',
  'retired',
] as const;
export type FunnelStage = (typeof funnelStages)[number];

/** The stage of the log that stands for a step of the funnel. */
const reachedBy: Partial<Record<Stage, FunnelStage>> = {
  imported: 'imported',
  checked: 'checked',
  invited: 'invited',
  opened: 'opened',
  authorized: 'consented',
  canary: 'canary',
  live: 'live',
  retired: 'retired',
};

/** The day on which each step was reached first. */
type Milestones = Partial<Record<FunnelStage, number>>;

/** Reads from Keyshift's own memory how the campaign went. */
export async function makeReport(set: StageSet): Promise<RehearsalReport> {
  const { settings, keyshift, people, world } = set;
  const milestones = await readMilestones(set);
  const counts = zeroes(outcomes);
  const byPersona = Object.fromEntries(personas.map((persona) => [persona, {}])) as Record<
    Persona,
    Partial<Record<Outcome, number>>
  >;
  const waves = settings.waves.map((_share, wave) => emptyWave(wave));
  const funnel = zeroes(funnelStages);
  const waits = { opened: [], consented: [], live: [], retired: [] } as Record<
    keyof RehearsalReport['daysFromInvitation'],
    number[]
  >;

  for await (const connection of keyshift.store.connections.list()) {
    const person = people[indexOf(connection)];
    if (!person) continue;
    const reached = milestones.get(connection.id) ?? {};
    const outcome = outcomeOf(set, person, connection, reached);
    counts[outcome] += 1;
    byPersona[person.persona][outcome] = (byPersona[person.persona][outcome] ?? 0) + 1;
    for (const stage of funnelStages) if (reached[stage] !== undefined) funnel[stage] += 1;
    const { invited } = reached;
    for (const [stage, list] of Object.entries(waits)) {
      const day = reached[stage as FunnelStage];
      if (invited !== undefined && day !== undefined) list.push(day - invited);
    }
    const wave = waves[waveOf(settings, person.index)];
    if (wave) addToWave(wave, reached, outcome);
  }
  const { stuck, ...expected } = counts;
  const sum = Object.values(counts).reduce((total, count) => total + count, 0);
  return {
    customers: settings.customers,
    seed: settings.seed,
    settings,
    outcomes: stuck === 0 ? expected : counts,
    people: byPersona,
    funnel,
    daysFromInvitation: {
      opened: toDays(waits.opened),
      consented: toDays(waits.consented),
      live: toDays(waits.live),
      retired: toDays(waits.retired),
    },
    waves,
    mails: countMails(people.map(({ index }) => world.mailsOf(index)).flat()),
    consentedByDay: countByDay(settings, [...milestones.values()]),
    auditIntact: (await keyshift.store.audit.verify()).breakCount === 0,
    addsUp: sum === settings.customers,
  };
}

async function readMilestones({ keyshift }: StageSet): Promise<Map<string, Milestones>> {
  const all = new Map<string, Milestones>();
  for await (const { connectionId, toStage, atMs } of keyshift.store.audit.list()) {
    const step = toStage && reachedBy[toStage];
    if (connectionId === undefined || step === undefined) continue;
    const known = all.get(connectionId) ?? {};
    known[step] ??= dayOf(atMs);
    all.set(connectionId, known);
  }
  return all;
}

/** By what Keyshift knows; where it cannot know why nothing came, by what the person met. */
function outcomeOf(
  set: StageSet,
  person: Person,
  connection: Connection,
  reached: Milestones,
): Outcome {
  const { stage } = connection;
  if (stage === 'attention') return reasonOutcomes[connection.attentionReason] ?? 'stuck';
  if (stage === 'retired') return movedAs(set, person, reached);
  if (!isInvited(connection)) return 'under_way';
  const endMs = firstDayMs + set.settings.days * dayMs;
  const invitedDay = reached.invited ?? 0;
  if (firstDayMs + (invitedDay + set.settings.validDays) * dayMs > endMs) return 'under_way';
  return person.persona === 'wrong_role' && stage === 'opened' ? 'wrong_role' : 'no_answer';
}

const reasonOutcomes: Readonly<Record<string, Outcome>> = {
  consent_denied: 'declined',
  account_mismatch: 'wrong_account',
  key_invalid: 'key_dead',
  grant_lost: 'uninstalled',
  invitation_expired: 'no_answer',
};

function movedAs({ world }: StageSet, { index, persona }: Person, reached: Milestones): Outcome {
  if (persona === 'mail_scanner') return 'moved_despite_mail_scanner';
  const reminded = world.mailsOf(index).find(({ kind }) => kind === 'reminder');
  const consentDay = reached.consented ?? 0;
  return reminded && consentDay >= reminded.day ? 'moved_after_reminder' : 'moved';
}

type MutableWave = { -readonly [Field in keyof WaveReport]: WaveReport[Field] };

function emptyWave(wave: number): MutableWave {
  return { wave: wave + 1, customers: 0, invitedOnDay: undefined, consented: 0, moved: 0 };
}

function addToWave(wave: MutableWave, reached: Milestones, outcome: Outcome): void {
  wave.customers += 1;
  if (reached.invited !== undefined) {
    wave.invitedOnDay = Math.min(wave.invitedOnDay ?? reached.invited, reached.invited);
  }
  if (reached.consented !== undefined) wave.consented += 1;
  if (outcome.startsWith('moved')) wave.moved += 1;
}

function countMails(mails: readonly { readonly kind: string }[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind } of mails) counts[kind] = (counts[kind] ?? 0) + 1;
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function countByDay(
  { days }: RehearsalSettings,
  milestones: readonly Milestones[],
): Record<string, number> {
  const counts: Record<string, number> = {};
  for (let day = 6; day < days + 6; day += 7) {
    const until = Math.min(day, days - 1);
    counts[String(until)] = milestones.filter(
      ({ consented }) => consented !== undefined && consented <= until,
    ).length;
  }
  return counts;
}

function toDays(values: readonly number[]): Days {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
  return { p50: at(0.5), p90: at(0.9) };
}

function zeroes<Name extends string>(names: readonly Name[]): Record<Name, number> {
  return Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;
}
