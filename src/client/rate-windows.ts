import { rateWindows, type Operation } from '../klaviyo/operations.ts';
import { createSlidingCount, type SlidingCount } from './sliding-count.ts';

/** The headers of an answer that speak about windows, as Klaviyo writes them. */
export interface RateHeaders {
  readonly remaining: string | undefined;
  /** Seconds until the window that `remaining` speaks of is over. */
  readonly reset: string | undefined;
}

/**
 * Klaviyo's windows as seen from this process: how long a call should wait so that it is not
 * answered with 429.
 */
export interface RateWindows {
  /** Takes a place and answers 0, or answers the milliseconds until there is one. */
  take(quota: string, operation: Operation, nowMs: number): number;
  /** Learns from an answer: other processes of the same app draw on the same quota. */
  learn(quota: string, operation: Operation, headers: RateHeaders, nowMs: number): void;
  /** Learns from a 429: nothing goes out before it is over. */
  block(quota: string, operation: Operation, untilMs: number): void;
}

interface Counter {
  readonly counts: readonly SlidingCount[];
  blockedUntilMs: number;
}

/** Calls take their time to Klaviyo, and not all the same: they may arrive closer together. */
const slackMs = 30;

/**
 * Creates the windows of one process, counted per operation and quota: an account's keys share
 * one, an app in an account has its own. When Klaviyo's windows open is not known, so that the
 * limit is kept in every stretch of a window's length.
 *
 * @param capacity counters kept; past it the ones that were opened first are forgotten
 */
export function createRateWindows(capacity = 50_000): RateWindows {
  const counters = new Map<string, Counter>();

  function counterOf(quota: string, operation: Operation): Counter {
    const name = `${operation.id} ${quota}`;
    const known = counters.get(name);
    if (known) return known;
    const counts = rateWindows(operation).map(({ limit, windowSec }) =>
      createSlidingCount(limit, windowSec * 1000 + slackMs),
    );
    const counter = { counts, blockedUntilMs: 0 };
    counters.set(name, counter);
    if (counters.size > capacity) {
      const [oldest] = counters.keys();
      if (oldest !== undefined) counters.delete(oldest);
    }
    return counter;
  }

  return {
    take(quota, operation, nowMs) {
      const { counts, blockedUntilMs } = counterOf(quota, operation);
      let waitMs = Math.max(0, blockedUntilMs - nowMs);
      for (const count of counts) waitMs = Math.max(waitMs, count.waitMs(nowMs));
      if (waitMs > 0) return Math.ceil(waitMs);
      for (const count of counts) count.add(nowMs);
      return 0;
    },
    learn(quota, operation, { remaining, reset }, nowMs) {
      if (remaining === undefined || reset === undefined) return;
      const resetSec = Number.parseInt(reset, 10);
      if (Number.parseInt(remaining, 10) > 0 || !(resetSec > 0)) return;
      const counter = counterOf(quota, operation);
      counter.blockedUntilMs = Math.max(counter.blockedUntilMs, nowMs + resetSec * 1000);
    },
    block(quota, operation, untilMs) {
      const counter = counterOf(quota, operation);
      counter.blockedUntilMs = Math.max(counter.blockedUntilMs, untilMs);
    },
  };
}
