import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Store } from '../store/store.ts';
import {
  trafficBucketMs,
  trafficBucketOf,
  unknownOperation,
  type TrafficOutcome,
  type TrafficRow,
} from '../model/traffic.ts';
import { createRouteFigures, type RouteFigures } from './route-figures.ts';
import type { SentRoute } from '../model/route-policy.ts';
import type { WriteBehind } from './write-behind.ts';

/** A call that was sent to Klaviyo and has its answer, or will have none. */
export interface MeteredCall {
  readonly connectionId: string | undefined;
  readonly route: SentRoute;
  /** Absent where the operations table does not know the path. */
  readonly operationId: string | undefined;
  /** `undefined` when no answer came. */
  readonly status: number | undefined;
  /** Whether the edge answered in Klaviyo's place. */
  readonly edge: boolean;
  readonly tookMs: number;
  /** The class of the error, never a body. */
  readonly error?: string | undefined;
}

/** Counts calls in memory and writes the counts behind them. */
export interface TrafficMeter {
  record(call: MeteredCall): void;
  /** Counts a call that went out by key after OAuth was refused. */
  countFallBack(reason: string): void;
  /** What this process sent since it started, for Prometheus. */
  readonly figures: RouteFigures;
}

/** What {@link createTrafficMeter} works with. */
export interface TrafficMeterOptions {
  readonly store: Store;
  readonly writeBehind: WriteBehind;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'error'>;
}

interface Counter {
  readonly row: TrafficRow;
  calls: number;
  totalMs: number;
  lastError: string | undefined;
  lastAtMs: number;
}

/** While the database is away, counts wait; past so many rows new ones are dropped, and said so. */
const capacity = 50_000;

/** Creates the meter; it writes through `writeBehind`. */
export function createTrafficMeter(options: TrafficMeterOptions): TrafficMeter {
  const { store, writeBehind, clock, logger } = options;
  const figures = createRouteFigures();
  let counters = new Map<string, Counter>();
  let dropped = 0;

  function record(call: MeteredCall): void {
    const nowMs = clock.now();
    const operation = call.operationId ?? unknownOperation;
    const outcome = outcomeOf(call);
    figures.record(operation, call.route, call.status, call.tookMs);
    const name = `${Math.floor(nowMs / trafficBucketMs)} ${call.connectionId ?? ''} ${call.route} ${operation} ${outcome}`;
    let counter = counters.get(name);
    if (!counter) {
      if (counters.size >= capacity) {
        dropped += 1;
        return;
      }
      counter = createCounter(call, operation, outcome, nowMs);
      counters.set(name, counter);
      writeBehind.touch();
    }
    counter.calls += 1;
    counter.totalMs += call.tookMs;
    counter.lastAtMs = nowMs;
    if (call.error !== undefined) counter.lastError = call.error;
  }

  async function write(): Promise<void> {
    if (counters.size === 0) return;
    const writing = counters;
    counters = new Map();
    try {
      await store.traffic.add([...writing.values()].map(toRow));
    } catch (error) {
      // Newer counts of the same buckets are summed up by the store.
      let at = 0;
      for (const counter of writing.values())
        counters.set(`kept ${(at += 1)} ${clock.now()}`, counter);
      throw error;
    }
    for (const [connectionId, atMs] of keyUses(writing.values())) {
      await store.privateKeys.markUsed(connectionId, atMs);
    }
    if (dropped > 0) {
      logger.error({ dropped }, 'calls were not counted while the database was unavailable');
      dropped = 0;
    }
  }

  writeBehind.add('traffic', write);
  return { record, countFallBack: figures.countFallBack, figures };
}

function createCounter(
  call: MeteredCall,
  operation: string,
  outcome: TrafficOutcome,
  nowMs: number,
): Counter {
  const { connectionId, route } = call;
  const row = {
    ...{ connectionId, route, operation, outcome },
    ...{ bucketStartMs: trafficBucketOf(nowMs), calls: 0, totalMs: 0 },
    ...{ lastError: undefined, lastAtMs: nowMs },
  };
  return { row, calls: 0, totalMs: 0, lastError: undefined, lastAtMs: nowMs };
}

function toRow({ row, calls, totalMs, lastError, lastAtMs }: Counter): TrafficRow {
  return { ...row, calls, totalMs, lastError, lastAtMs };
}

/** When each connection's key was used last. */
function keyUses(counters: Iterable<Counter>): Map<string, number> {
  const uses = new Map<string, number>();
  for (const { row, lastAtMs } of counters) {
    if (row.route !== 'key' || row.connectionId === undefined) continue;
    uses.set(row.connectionId, Math.max(lastAtMs, uses.get(row.connectionId) ?? 0));
  }
  return uses;
}

function outcomeOf({ status, edge }: MeteredCall): TrafficOutcome {
  if (status === undefined) return 'network';
  if (edge) return 'edge';
  if (status < 300) return '2xx';
  if (status < 400) return '3xx';
  if (status >= 500) return '5xx';
  if (status === 401 || status === 403) return 'refused';
  return status === 429 ? 'throttled' : '4xx';
}
