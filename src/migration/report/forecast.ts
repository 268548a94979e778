import type { DayCount } from '../../store/reports.ts';

const dayMs = 86_400_000;
/** Consents of so many days back make the rate. */
const windowDays = 14;

/** Where the campaign would be if consents kept coming as they did of late. */
export interface Forecast {
  /** Consents a day over the days counted. */
  readonly ratePerDay: number;
  readonly daysCounted: number;
  readonly remaining: number;
  /** When nobody would be missing; absent while nobody consents. */
  readonly completeAtMs: number | undefined;
  readonly deadline: DeadlineForecast | undefined;
}

/** What the rate makes of a deadline. */
export interface DeadlineForecast {
  readonly atMs: number;
  readonly daysLeft: number;
  readonly consentedByThen: number;
  readonly missingByThen: number;
  /** Consents a day that would do. */
  readonly neededPerDay: number;
  readonly inReach: boolean;
}

/** What {@link makeForecast} counts with. */
export interface ForecastInput {
  readonly consentsByDay: readonly DayCount[];
  readonly total: number;
  readonly consented: number;
  readonly nowMs: number;
  readonly deadlineMs?: number;
}

/**
 * Draws a straight line through the last two weeks. Waves and reminders come in bursts and the
 * last customers are the slowest: it is a measure to act by, no promise.
 */
export function makeForecast(input: ForecastInput): Forecast {
  const { consentsByDay, total, consented, nowMs, deadlineMs } = input;
  const firstMs = consentsByDay[0]?.dayStartMs;
  const ageDays = firstMs === undefined ? 0 : (nowMs - firstMs) / dayMs;
  const daysCounted = Math.min(windowDays, Math.max(1, Math.ceil(ageDays)));
  const sinceMs = nowMs - daysCounted * dayMs;
  const recent = consentsByDay
    .filter(({ dayStartMs }) => dayStartMs + dayMs > sinceMs && dayStartMs <= nowMs)
    .reduce((sum, { count }) => sum + count, 0);
  const ratePerDay = recent / daysCounted;
  const remaining = Math.max(0, total - consented);
  return {
    ratePerDay,
    daysCounted,
    remaining,
    completeAtMs:
      remaining === 0
        ? nowMs
        : ratePerDay === 0
          ? undefined
          : nowMs + Math.ceil(remaining / ratePerDay) * dayMs,
    deadline:
      deadlineMs === undefined
        ? undefined
        : toDeadline({ atMs: deadlineMs, ratePerDay, remaining, total, nowMs }),
  };
}

function toDeadline(input: {
  readonly atMs: number;
  readonly ratePerDay: number;
  readonly remaining: number;
  readonly total: number;
  readonly nowMs: number;
}): DeadlineForecast {
  const { atMs, ratePerDay, remaining, total, nowMs } = input;
  const daysLeft = Math.max(0, (atMs - nowMs) / dayMs);
  const missingByThen = Math.max(0, remaining - Math.floor(ratePerDay * daysLeft));
  return {
    atMs,
    daysLeft,
    consentedByThen: total - missingByThen,
    missingByThen,
    neededPerDay: daysLeft === 0 ? remaining : remaining / daysLeft,
    inReach: missingByThen === 0,
  };
}
