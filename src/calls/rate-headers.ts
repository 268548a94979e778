import type { RateWindow } from '../klaviyo/operations.ts';

/** The headers of an answer that speak about windows, as Klaviyo writes them. */
export interface RateHeaders {
  /** `1, 1;w=1, 15;w=60`: the limit that is nearest to its end, then every window. */
  readonly limit: string | undefined;
  readonly remaining: string | undefined;
  /** Seconds until the window that `remaining` speaks of is over. */
  readonly reset: string | undefined;
}

/** What is left of one window. */
export interface RateNotice {
  readonly remaining: number;
  readonly resetSec: number;
}

/** Reads `RateLimit-Remaining` and `RateLimit-Reset`; `undefined` when they say nothing to act on. */
export function readRateNotice({ remaining, reset }: RateHeaders): RateNotice | undefined {
  const left = readCount(remaining);
  const resetSec = readCount(reset);
  return left === undefined || resetSec === undefined || resetSec === 0
    ? undefined
    : { remaining: left, resetSec };
}

/**
 * Reads the windows of `RateLimit-Limit`, shortest first. Parts that name no window, as the first
 * one does, are passed over.
 *
 * @returns empty when no part names a window
 */
export function parseRateLimit(value: string): RateWindow[] {
  const windows: RateWindow[] = [];
  for (const part of value.split(',')) {
    const [, limit, windowSec] = /^\s*(\d{1,9})\s*;.*\bw=(\d{1,9})\b/.exec(part) ?? [];
    if (Number(limit) > 0 && Number(windowSec) > 0) {
      windows.push({ limit: Number(limit), windowSec: Number(windowSec) });
    }
  }
  return windows.sort((a, b) => a.windowSec - b.windowSec);
}

function readCount(value: string | undefined): number | undefined {
  if (value === undefined || value === '') return undefined;
  const count = Number(value);
  return Number.isInteger(count) && count >= 0 && count < 1e9 ? count : undefined;
}
