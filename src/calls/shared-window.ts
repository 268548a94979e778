import type { RateWindow } from '../klaviyo/operations.ts';
import { createSlidingCount } from './sliding-count.ts';

/** One of Klaviyo's windows, which other processes draw on as well. */
export interface SharedWindow extends RateWindow {
  /** Milliseconds until another call of this process fits; 0 when it does now. */
  waitMs(nowMs: number): number;
  add(nowMs: number): void;
  /** A call of this process was refused, and so does not count. */
  remove(): void;
  /** Calls of this process that may still count. */
  total(nowMs: number): number;
  /** Learns what an answer said about this window. */
  learn(remaining: number, resetSec: number, nowMs: number): void;
}

/** Calls take their time to Klaviyo, and not all the same: they may arrive closer together. */
const slackMs = 30;

/** What others are expected to take halves in this time, so that nobody starves. */
const halfLifeMs = 20_000;

/**
 * Creates a window of which nothing is known but its limit.
 *
 * What others take is learned from what is left, which tells it at least as it was when the answer
 * was made. Until the window is over, this process counts that as used; afterwards it leaves as much
 * free, less and less of it: whoever had the larger part gives way.
 */
export function createSharedWindow({ limit, windowSec }: RateWindow): SharedWindow {
  const own = createSlidingCount(limit, windowSec * 1000 + slackMs);
  /** Left alone where others draw on the window too: what they have just sent is not known yet. */
  const reserve = Math.ceil(limit / 20);
  /** What this process may use in any case. A short window soon comes again; a long one does not. */
  const least = windowSec * 1000 < halfLifeMs ? 1 : Math.ceil(limit / 10);
  let others = 0;
  let othersUntilMs = 0;
  let expected = 0;
  let expectedAtMs = 0;

  function expectedAt(nowMs: number): number {
    return expected * 0.5 ** ((nowMs - expectedAtMs) / halfLifeMs);
  }

  return {
    limit,
    windowSec,
    waitMs(nowMs) {
      if (expected === 0) return own.waitMs(nowMs);
      const ofOthers = expectedAt(nowMs);
      if (ofOthers < 1) expected = 0;
      const most = Math.max(least, Math.floor(limit - reserve - ofOthers));
      const waitMs = own.waitMs(nowMs, most);
      const isUsedUp = nowMs < othersUntilMs && own.total(nowMs) + others + reserve >= limit;
      return isUsedUp ? Math.max(waitMs, othersUntilMs - nowMs) : waitMs;
    },
    add: (nowMs) => {
      own.add(nowMs);
    },
    remove: () => {
      own.remove();
    },
    total: (nowMs) => own.total(nowMs),
    learn(remaining, resetSec, nowMs) {
      // Ours in sight are all that Klaviyo can have counted of us, so the rest is of others.
      const taken = limit - remaining - own.total(nowMs);
      if (taken > expectedAt(nowMs)) {
        expected = taken;
        expectedAtMs = nowMs;
      }
      if (nowMs >= othersUntilMs) others = 0;
      if (taken <= others) return;
      others = taken;
      othersUntilMs = nowMs + resetSec * 1000;
    },
  };
}
