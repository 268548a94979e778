import { rateWindows, type Operation } from '../../klaviyo/operations.ts';
import type { Clock } from '../../runtime/clock.ts';

/** Whether a call is within its limits, and what the answer says about them. */
export type RateDecision =
  | { readonly allowed: true; readonly headers: Readonly<Record<string, string>> }
  | { readonly allowed: false; readonly retryAfterSec: number };

/** Counts calls in the fixed windows of each operation. */
export interface RateLimiter {
  /**
   * Counts one call. A refused call is not counted.
   *
   * @param quota who shares the limit: an account's keys, or one app in one account
   */
  take(operation: Operation, quota: string): RateDecision;
  /** How many counters are in memory. */
  size(): number;
}

interface Window {
  readonly limit: number;
  readonly windowMs: number;
  startMs: number;
  count: number;
}

/**
 * Creates a limiter for the windows of the operations table. A window opens with the first call
 * in it (assumed). `RateLimit-Limit` lists every window after the one with the least left; that it
 * leads with that one is assumed, the form of the list was recorded live.
 *
 * @param sweepAt past this many counters, those whose windows are all over are dropped
 */
export function createRateLimiter(clock: Clock, sweepAt = 50_000): RateLimiter {
  const counters = new Map<string, Window[]>();
  let nextSweep = sweepAt;

  const windowsOf = (operation: Operation, quota: string): Window[] => {
    const key = `${operation.id} ${quota}`;
    let windows = counters.get(key);
    if (!windows) {
      windows = rateWindows(operation).map(({ limit, windowSec }) => ({
        limit,
        windowMs: windowSec * 1_000,
        startMs: Number.NEGATIVE_INFINITY,
        count: 0,
      }));
      counters.set(key, windows);
    }
    return windows;
  };
  const sweep = (nowMs: number) => {
    for (const [key, windows] of counters) {
      if (windows.every((window) => endOf(window) <= nowMs)) counters.delete(key);
    }
    nextSweep = Math.max(sweepAt, counters.size * 2);
  };

  return {
    take(operation, quota) {
      const nowMs = clock.now();
      if (counters.size >= nextSweep) sweep(nowMs);
      const windows = windowsOf(operation, quota);
      for (const window of windows) {
        if (endOf(window) > nowMs) continue;
        window.startMs = nowMs;
        window.count = 0;
      }
      const full = windows.filter(({ count, limit }) => count >= limit);
      if (full.length > 0) {
        const freeAtMs = Math.max(...full.map(endOf));
        return { allowed: false, retryAfterSec: Math.ceil((freeAtMs - nowMs) / 1_000) };
      }
      for (const window of windows) window.count++;
      return { allowed: true, headers: limitHeaders(windows, nowMs) };
    },
    size: () => counters.size,
  };
}

function endOf({ startMs, windowMs }: Window): number {
  return startMs + windowMs;
}

function limitHeaders(windows: readonly Window[], nowMs: number): Record<string, string> {
  const remaining = ({ limit, count }: Window) => limit - count;
  const tightest = windows.reduce((least, window) =>
    remaining(window) < remaining(least) ? window : least,
  );
  const list = windows.map(({ limit, windowMs }) => `${limit};w=${windowMs / 1_000}`);
  return {
    'ratelimit-limit': [tightest.limit, ...list].join(', '),
    'ratelimit-remaining': String(remaining(tightest)),
    'ratelimit-reset': String(Math.ceil((endOf(tightest) - nowMs) / 1_000)),
  };
}
