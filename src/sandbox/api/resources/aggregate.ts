import type { JsonObject } from '../../state/json.ts';
import type { StoredEvent } from '../../state/event.ts';
import type { TimeBuckets } from './time-buckets.ts';

export type Measurement = 'count' | 'sum_value' | 'unique';

/** How events are aggregated. */
export interface Aggregation {
  readonly fromMs: number;
  readonly toMs: number;
  readonly buckets: TimeBuckets;
  /** Properties that split the rows. */
  readonly by: readonly string[];
  readonly measurements: readonly Measurement[];
}

/** What comes of it: one row for each combination of the properties' values. */
export interface Aggregated {
  /** When each interval begins. */
  readonly dates: readonly number[];
  readonly rows: readonly Row[];
}

/** A row: for each measurement one number an interval. */
export type Row = JsonObject & {
  readonly dimensions: readonly string[];
  readonly measurements: JsonObject;
};

/**
 * Aggregates the events of a range. Without a split there is one row, also where nothing happened.
 */
export function aggregate(
  events: readonly StoredEvent[],
  { fromMs, toMs, buckets, by, measurements }: Aggregation,
): Aggregated {
  const dates: number[] = [];
  for (let at = buckets.startOf(fromMs); at < toMs; at = buckets.next(at)) dates.push(at);
  const indexOf = new Map(dates.map((date, index) => [date, index]));
  const groups = new Map<string, Group>();
  const groupOf = (dimensions: readonly string[]) => {
    const key = JSON.stringify(dimensions);
    let group = groups.get(key);
    if (!group) groups.set(key, (group = createGroup(dimensions, dates.length)));
    return group;
  };
  if (by.length === 0) groupOf([]);
  for (const event of events) {
    const index = indexOf.get(buckets.startOf(event.timeMs));
    if (index === undefined) continue;
    add(groupOf(by.map((name) => textOf(event, name))), index, event);
  }
  return { dates, rows: [...groups.values()].map((group) => rowOf(group, measurements)) };
}

interface Group {
  readonly dimensions: readonly string[];
  readonly count: number[];
  readonly sum: number[];
  readonly profiles: Set<string>[];
}

function createGroup(dimensions: readonly string[], length: number): Group {
  return {
    dimensions,
    count: Array.from({ length }, () => 0),
    sum: Array.from({ length }, () => 0),
    profiles: Array.from({ length }, () => new Set<string>()),
  };
}

function add(group: Group, index: number, event: StoredEvent): void {
  const value = event.properties['$value'];
  group.count[index] = (group.count[index] ?? 0) + 1;
  group.sum[index] = (group.sum[index] ?? 0) + (typeof value === 'number' ? value : 0);
  group.profiles[index]?.add(event.profileId);
}

function rowOf({ dimensions, count, sum, profiles }: Group, wanted: readonly Measurement[]): Row {
  const all = { count, sum_value: sum, unique: profiles.map(({ size }) => size) };
  return {
    dimensions,
    measurements: Object.fromEntries(wanted.map((name) => [name, all[name]])),
  };
}

function textOf({ properties }: StoredEvent, name: string): string {
  const value = properties[name];
  return value == null ? '' : typeof value === 'string' ? value : JSON.stringify(value);
}
