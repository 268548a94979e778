/** The intervals by which Klaviyo aggregates. */
export type Interval = 'hour' | 'day' | 'week' | 'month';

/** Moments cut into intervals of a timezone's own calendar. */
export interface TimeBuckets {
  /** When the interval around a moment began. */
  startOf(ms: number): number;
  /** When the interval after the one that began at `startMs` begins. */
  next(startMs: number): number;
}

/** Whether the machine knows a timezone by this name of the IANA database. */
export function isTimezone(timezone: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: timezone });
    return true;
  } catch {
    return false;
  }
}

/** Creates buckets. Weeks begin on Monday (assumed). */
export function createTimeBuckets(interval: Interval, timezone: string): TimeBuckets {
  const offsetAt = createOffsets(timezone);
  const toLocal = (ms: number) => ms + offsetAt(ms);
  // The offset at the wall-clock time itself is right but within hours of a change of clocks.
  const toInstant = (local: number) => local - offsetAt(local - offsetAt(local));
  const startOf = (ms: number) => toInstant(floor(interval, toLocal(ms)));
  return {
    startOf,
    next: (startMs) => toInstant(floor(interval, toLocal(startMs) + longest[interval])),
  };
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** From the start of an interval, a step that surely ends within the one after it. */
const longest = {
  hour: hourMs,
  day: dayMs + 6 * hourMs,
  week: 7 * dayMs + 6 * hourMs,
  month: 31 * dayMs + 6 * hourMs,
} as const satisfies Record<Interval, number>;

/** The start of the interval around a wall-clock time, which is written as if it were UTC. */
function floor(interval: Interval, localMs: number): number {
  const date = new Date(localMs);
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  switch (interval) {
    case 'hour':
      return Math.floor(localMs / hourMs) * hourMs;
    case 'day':
      return Date.UTC(year, month, day);
    case 'week':
      return Date.UTC(year, month, day - ((date.getUTCDay() + 6) % 7));
    case 'month':
      return Date.UTC(year, month, 1);
  }
}

/** How far a timezone's clocks are ahead of UTC, in milliseconds, looked up once an hour of time. */
function createOffsets(timezone: string): (ms: number) => number {
  if (timezone === 'UTC') return () => 0;
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const known = new Map<number, number>();
  return (ms) => {
    const hour = Math.floor(ms / hourMs);
    let offset = known.get(hour);
    if (offset === undefined) {
      const wall = Object.fromEntries(
        parts.formatToParts(hour * hourMs).map(({ type, value }) => [type, Number(value)]),
      ) as Readonly<Record<string, number>>;
      const { year = 0, month = 1, day = 1, hour: hours = 0, minute = 0, second = 0 } = wall;
      offset = Date.UTC(year, month - 1, day, hours, minute, second) - hour * hourMs;
      known.set(hour, offset);
    }
    return offset;
  };
}
