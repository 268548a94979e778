import type { OutboxCount } from '../../store/outbox.ts';
import {
  isInvited,
  journeyStages,
  stagesWhere,
  type JourneyStage,
  type Stage,
} from '../../model/stages.ts';
import type { DayCount, FailureCount, StageTime, Unanswered } from '../../store/reports.ts';
import type { Store } from '../../store/store.ts';
import { makeForecast, type Forecast } from './forecast.ts';

/** Somebody who has a link and has not consented, with what they were told. */
export interface Waiting extends Unanswered {
  readonly firstToldAtMs: number | undefined;
  readonly reminders: number;
  readonly openedAtMs: number | undefined;
}

/** How the campaign stands. Times are milliseconds UTC. */
export interface CampaignReport {
  readonly atMs: number;
  readonly customers: number;
  /** Where connections are now; adds up to `customers`. */
  readonly now: Readonly<Partial<Record<Stage, number>>>;
  /** Connections that have ever come as far, or farther. */
  readonly funnel: Readonly<Record<JourneyStage, number>>;
  readonly timeInStage: readonly StageTime[];
  readonly failures: readonly FailureCount[];
  readonly messages: readonly OutboxCount[];
  readonly consentsByDay: readonly DayCount[];
  readonly forecast: Forecast;
  readonly unanswered: { readonly count: number; readonly longest: readonly Waiting[] };
}

/** What {@link makeCampaignReport} is told. */
export interface CampaignReportOptions {
  readonly nowMs: number;
  readonly deadlineMs?: number;
  /** How many who have not answered are named. */
  readonly named: number;
}

/** Asks the store how the campaign stands; memory does not grow with the number of customers. */
export async function makeCampaignReport(
  store: Store,
  { nowMs, deadlineMs, named }: CampaignReportOptions,
): Promise<CampaignReport> {
  const counts = await store.connections.countByStage();
  const now: Partial<Record<Stage, number>> = {};
  for (const { stage, count } of counts) now[stage] = (now[stage] ?? 0) + count;
  const customers = counts.reduce((sum, { count }) => sum + count, 0);
  const funnel = toFunnel(await store.reports.countByFarthest());
  const consentsByDay = await store.reports.consentsByDay();
  return {
    atMs: nowMs,
    customers,
    now,
    funnel,
    timeInStage: await store.reports.timeInStage(),
    failures: await store.reports.failures(),
    messages: await store.outbox.countByState(),
    consentsByDay,
    forecast: makeForecast({
      ...{ consentsByDay, nowMs, total: customers, consented: funnel.authorized },
      ...(deadlineMs === undefined ? {} : { deadlineMs }),
    }),
    unanswered: {
      count: stagesWhere(isInvited).reduce((sum, stage) => sum + (now[stage] ?? 0), 0),
      longest: await nameWaiting(store, named),
    },
  };
}

function toFunnel(farthest: ReadonlyMap<Stage, number>): Record<JourneyStage, number> {
  let reached = 0;
  const entries = journeyStages
    .toReversed()
    .map((step) => [step, (reached += farthest.get(step) ?? 0)] as const);
  return Object.fromEntries(entries.toReversed()) as Record<JourneyStage, number>;
}

async function nameWaiting(store: Store, named: number): Promise<Waiting[]> {
  const waiting: Waiting[] = [];
  for (const each of await store.reports.unanswered(named)) {
    const contact = await store.outbox.contactOf({ id: each.connectionId });
    const { firstToldAtMs, reminders, openedAtMs } = contact;
    waiting.push({ ...each, firstToldAtMs, reminders, openedAtMs });
  }
  return waiting;
}
