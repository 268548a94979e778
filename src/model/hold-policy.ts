import type { RouteTally } from './traffic.ts';

/** When OAuth is held to be worse than the key. */
export interface HoldPolicy {
  /** Calls by OAuth below which nothing is decided. */
  readonly minCalls: number;
  /** Failed calls by OAuth below which nothing is decided: one outage is no trend. */
  readonly minErrors: number;
  /** Percentage points by which OAuth may fail more often than the key. */
  readonly marginPercent: number;
  /** How far back calls are counted, at most. */
  readonly windowMs: number;
}

export const defaultHoldPolicy: HoldPolicy = {
  minCalls: 20,
  minErrors: 3,
  marginPercent: 1,
  windowMs: 24 * 3_600_000,
};

/**
 * Why a connection should not go on with OAuth: its calls are refused (401, 403) or fail (5xx,
 * no answer) more often by OAuth than by key. A key without calls counts as one that never fails.
 *
 * @returns `undefined` while there is nothing against it, or too little to say
 *
 * @example
 * ```ts
 * whyHold({ key, oauth }, defaultHoldPolicy); // '12.0 % of 50 calls over OAuth failed, 0.0 % of 80 by key'
 * ```
 */
export function whyHold(
  { key, oauth }: { readonly key: RouteTally; readonly oauth: RouteTally },
  { minCalls, minErrors, marginPercent }: HoldPolicy,
): string | undefined {
  const errors = errorsOf(oauth);
  if (oauth.calls < minCalls || errors < minErrors) return undefined;
  const [byOAuth, byKey] = [percentOf(errors, oauth.calls), percentOf(errorsOf(key), key.calls)];
  if (byOAuth <= byKey + marginPercent) return undefined;
  return (
    `${byOAuth.toFixed(1)} % of ${oauth.calls} calls over OAuth failed, ` +
    `${byKey.toFixed(1)} % of ${key.calls} with the key`
  );
}

/** Calls that a credential or Klaviyo failed; what the application asked wrongly is not counted. */
export function errorsOf({ refused, failed }: RouteTally): number {
  return refused + failed;
}

function percentOf(part: number, whole: number): number {
  return whole === 0 ? 0 : (part * 100) / whole;
}
