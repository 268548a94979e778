import { rateWindows, type Operation } from '../klaviyo/operations.ts';
import { parseRateLimit, readRateNotice, type RateHeaders } from './rate-headers.ts';
import { createSharedWindow, type SharedWindow } from './shared-window.ts';

/**
 * Klaviyo's windows as seen from this process: how long a call should wait so that it is not
 * answered with 429.
 */
export interface RateWindows {
  /** Takes a place and answers 0, or answers the milliseconds until there is one. */
  take(quota: string, operation: Operation, nowMs: number): number;
  /**
   * Learns from an answer: other processes of the same app draw on the same quota, and Klaviyo's
   * limits may have changed since the operations table was made.
   */
  learn(quota: string, operation: Operation, headers: RateHeaders, nowMs: number): void;
  /** Milliseconds until a 429 that was learnt of is over; takes no place. */
  blockedMs(quota: string, operation: Operation, nowMs: number): number;
  /** Learns from a 429: nothing goes out before it is over. */
  block(quota: string, operation: Operation, retryAfterSec: number, nowMs: number): void;
}

interface Counter {
  windows: readonly SharedWindow[];
  /** The `RateLimit-Limit` that the windows were made by; absent while the table's hold. */
  limitHeader: string | undefined;
  blockedUntilMs: number;
}

/**
 * Creates the windows of one process, counted per operation and quota: an account's keys share
 * one, an app in an account has its own. When Klaviyo's windows open is not known, so that the
 * limit is kept in every stretch of a window's length.
 *
 * What others take is learned from `RateLimit-Remaining` and from 429s; this process then keeps to
 * the rest, less a twentieth for calls of others that are on their way.
 *
 * @param capacity counters kept; past it the ones that were opened first are forgotten
 */
export function createRateWindows(capacity = 50_000): RateWindows {
  /** By operation, then by quota: a name for both would have to be made for every call. */
  const counters = new Map<string, Map<string, Counter>>();
  let size = 0;

  function counterOf(quota: string, operation: Operation): Counter {
    const ofOperation = counters.get(operation.id) ?? new Map<string, Counter>();
    if (ofOperation.size === 0) counters.set(operation.id, ofOperation);
    const known = ofOperation.get(quota);
    if (known) return known;
    const windows = rateWindows(operation).map(createSharedWindow);
    const counter: Counter = { windows, limitHeader: undefined, blockedUntilMs: 0 };
    ofOperation.set(quota, counter);
    size += 1;
    if (size > capacity) forgetOldest();
    return counter;
  }

  function forgetOldest(): void {
    for (const [id, ofOperation] of counters) {
      const [quota] = ofOperation.keys();
      if (quota !== undefined) ofOperation.delete(quota);
      if (ofOperation.size === 0) counters.delete(id);
      size -= 1;
      return;
    }
  }

  return {
    take(quota, operation, nowMs) {
      const { windows, blockedUntilMs } = counterOf(quota, operation);
      let waitMs = Math.max(0, blockedUntilMs - nowMs);
      for (const window of windows) waitMs = Math.max(waitMs, window.waitMs(nowMs));
      if (waitMs > 0) return Math.ceil(waitMs);
      for (const window of windows) window.add(nowMs);
      return 0;
    },
    blockedMs(quota, operation, nowMs) {
      const counter = counters.get(operation.id)?.get(quota);
      return counter ? Math.max(0, counter.blockedUntilMs - nowMs) : 0;
    },
    learn(quota, operation, headers, nowMs) {
      const notice = readRateNotice(headers);
      if (headers.limit === undefined && !notice) return;
      const counter = counterOf(quota, operation);
      if (headers.limit !== undefined) adoptLimits(counter, headers.limit, nowMs);
      if (!notice) return;
      const { remaining, resetSec } = notice;
      if (remaining === 0) block(counter, resetSec, nowMs);
      learnLeft(counter, remaining, resetSec, nowMs);
    },
    block(quota, operation, retryAfterSec, nowMs) {
      const counter = counterOf(quota, operation);
      block(counter, retryAfterSec, nowMs);
      for (const window of counter.windows) window.remove();
      learnLeft(counter, 0, retryAfterSec, nowMs);
    },
  };
}

/** After so long one call asks again, however long an answer bade to wait. */
const longestBlockSec = 3600;

function block(counter: Counter, forSec: number, nowMs: number): void {
  const untilMs = nowMs + Math.min(forSec, longestBlockSec) * 1000;
  counter.blockedUntilMs = Math.max(counter.blockedUntilMs, untilMs);
}

/** Of the shortest window that it can be about: a longer one has its say when it is nearly used up. */
function learnLeft(counter: Counter, remaining: number, resetSec: number, nowMs: number): void {
  counter.windows
    .find(({ limit, windowSec }) => remaining <= limit && resetSec <= windowSec)
    ?.learn(remaining, resetSec, nowMs);
}

/** Klaviyo's word comes before the table's; what was counted so far stays counted. */
function adoptLimits(counter: Counter, limitHeader: string, nowMs: number): void {
  if (limitHeader === counter.limitHeader) return;
  const announced = parseRateLimit(limitHeader);
  counter.limitHeader = limitHeader;
  const former = new Map(counter.windows.map((window) => [window.windowSec, window]));
  for (const window of announced) {
    const same = former.get(window.windowSec);
    if (same?.limit === window.limit) continue;
    const renewed = createSharedWindow(window);
    for (let calls = same?.total(nowMs) ?? 0; calls > 0; calls -= 1) renewed.add(nowMs);
    former.set(window.windowSec, renewed);
  }
  counter.windows = [...former.values()].sort((a, b) => a.windowSec - b.windowSec);
}
