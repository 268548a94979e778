/** Length of the buckets that calls are counted in. */
export const trafficBucketMs = 600_000;

/** The operation of calls that match none of the table. */
export const unknownOperation = 'unknown';

/**
 * How calls ended: by class of status, with the answers that decide a migration apart. `refused`
 * is 401 or 403 from Klaviyo's API, `edge` an HTML page of the edge in front of it, `throttled`
 * 429, `network` no answer at all.
 */
export const trafficOutcomes = [
  '2xx',
  '3xx',
  '4xx',
  'refused',
  'throttled',
  'edge',
  '5xx',
  'network',
] as const;
export type TrafficOutcome = (typeof trafficOutcomes)[number];

/** Calls of one connection, by one route, to one operation, that ended alike within one bucket. */
export interface TrafficRow {
  /** `undefined` for calls by an account that no customer is known of. */
  readonly connectionId: string | undefined;
  /** A multiple of {@link trafficBucketMs}. */
  readonly bucketStartMs: number;
  readonly route: 'key' | 'oauth';
  /** Klaviyo's operation id, such as `get_profiles`, or `unknown`. */
  readonly operation: string;
  readonly outcome: TrafficOutcome;
  readonly calls: number;
  /** Sum of the milliseconds from sending a call to the head of its answer. */
  readonly totalMs: number;
  /** The last error's class: a status with Klaviyo's code, or a code of ours; never a body. */
  readonly lastError: string | undefined;
  readonly lastAtMs: number;
}

/** What a route carried. `calls` also counts answers that are neither ok, refused nor failed. */
export interface RouteTally {
  readonly calls: number;
  /** Statuses below 400. */
  readonly ok: number;
  /** 401 and 403 by Klaviyo's API. */
  readonly refused: number;
  /** 5xx, pages of the edge, and calls without an answer. */
  readonly failed: number;
  readonly lastAtMs: number | undefined;
}

/** What a connection's traffic used one operation for, over all buckets asked about. */
export interface ObservedOperation {
  readonly connectionId: string | undefined;
  readonly operation: string;
  readonly route: 'key' | 'oauth';
  readonly calls: number;
  readonly ok: number;
  readonly refused: number;
  readonly failed: number;
  readonly lastAtMs: number;
}

/** The start of the bucket that a moment belongs to. */
export function trafficBucketOf(atMs: number): number {
  return Math.floor(atMs / trafficBucketMs) * trafficBucketMs;
}
