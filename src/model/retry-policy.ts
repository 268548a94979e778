/** What came of one attempt, as far as a retry depends on it. */
export type AttemptResult =
  | { readonly kind: 'status'; readonly status: number; readonly edge: boolean }
  /** Nothing was sent: the connection was never there. */
  | { readonly kind: 'unsent' }
  /** The answer did not come, or broke off: the call may have been applied. */
  | { readonly kind: 'broken' };

const safeToRepeat: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/** Whether sending a request twice has the effect of sending it once (RFC 9110 section 9.2.2). */
export function isIdempotent(method: string): boolean {
  return safeToRepeat.has(method);
}

/**
 * Whether an attempt may be repeated. A call that was surely not applied (nothing sent, or 429,
 * which Klaviyo answers in place of taking a call) always may. One that may have been applied is
 * repeated only when that does no harm: an event that was accepted behind a 503 must not be
 * recorded twice. `Retry-After` on a 503 changes nothing about that: it says when there will be an
 * answer again, not that nothing was done.
 */
export function mayRetry(result: AttemptResult, idempotent: boolean): boolean {
  switch (result.kind) {
    case 'unsent':
      return true;
    case 'broken':
      return idempotent;
    case 'status':
      if (result.status === 429) return true;
      return idempotent && (isPassing(result.status) || result.edge);
    default:
      return result satisfies never;
  }
}

/** 501 says that there is no such thing, however often one asks. */
function isPassing(status: number): boolean {
  return status === 408 || status === 425 || (status >= 500 && status !== 501);
}

/** The first pause of a call that nobody set another one for. */
export const firstPauseMs = 250;
const doublings = 5;
/** What asks for longer is answered to the caller, also to one without a deadline. */
export const longestRetryAfterSec = 300;

/**
 * Milliseconds before the next attempt: `Retry-After` where Klaviyo sent one, else doubling from
 * `firstMs` five times, as also after `0` or a date that is over, by which all attempts would be
 * spent at once; up to a quarter more, so that callers do not come back together.
 *
 * @param fraction in [0, 1), at random
 */
export function retryPauseMs(
  failures: number,
  retryAfterSec: number | undefined,
  fraction: number,
  firstMs = firstPauseMs,
): number {
  const ownMs = firstMs * 2 ** Math.min(failures - 1, doublings);
  const pauseMs = retryAfterSec === undefined || retryAfterSec === 0 ? ownMs : retryAfterSec * 1000;
  return Math.round(pauseMs * (1 + fraction / 4));
}
