import type { Random } from '../runtime/random.ts';

/**
 * How long each party waits, in the one order that works: whoever holds the lease gives up on the
 * network before the lease ends, and whoever waits for the holder waits longer than the lease.
 */
export interface RefreshBudgets {
  /** How long an answer of the token endpoint is waited for; the request itself stays on the wire. */
  readonly httpMs: number;
  readonly leaseMs: number;
  readonly waitMs: number;
}

/** The budgets in use unless told otherwise. */
export const defaultBudgets: RefreshBudgets = { httpMs: 20_000, leaseMs: 40_000, waitMs: 60_000 };

/**
 * How long a refresh request may take in all: until somebody may spend the token again. An answer
 * that comes when nobody waits any more may hold the only copy of the next refresh token.
 */
export function requestTimeoutMs({ httpMs, leaseMs }: RefreshBudgets): number {
  return httpMs + leaseMs;
}

/** @throws RangeError unless `httpMs < leaseMs < waitMs` */
export function assertOrdered({ httpMs, leaseMs, waitMs }: RefreshBudgets): void {
  if (httpMs < leaseMs && leaseMs < waitMs) return;
  throw new RangeError(
    `budgets must be ordered: http ${httpMs} < lease ${leaseMs} < wait ${waitMs} ms`,
  );
}

const firstBackOffMs = 1_000;
/** Calls that need the token fail for so long, and half as long again, after an outage has ended. */
const longestBackOffMs = 60_000;
/** A longer `Retry-After` is taken for a mistake: it would outlive the outage it speaks of. */
const longestObeyedMs = 3_600_000;

/**
 * Pause before the next attempt, in milliseconds: what Klaviyo asked for, up to an hour; else
 * doubling from one second up to one minute; with up to half as much again at random, so that
 * many grants do not come back at once.
 */
export function backOffMs(
  failures: number,
  retryAfterSec: number | undefined,
  random: Random,
): number {
  const baseMs =
    // "At once", as a date of a host whose clock is behind also reads, is no pause at all.
    retryAfterSec === undefined || retryAfterSec <= 0
      ? Math.min(firstBackOffMs * 2 ** Math.min(failures, 16), longestBackOffMs)
      : Math.min(retryAfterSec * 1000, longestObeyedMs);
  return Math.round(baseMs * (1 + random.fraction() / 2));
}

/**
 * For so long after a good refresh a 401 is taken for the provider's fault: refreshing again
 * would not help, and would be limited to ten a minute.
 */
export const coolDownMs = 60_000;
