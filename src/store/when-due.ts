import type { TokenPair } from '../model/grant.ts';

const longestAheadMs = 10 * 60_000;
const shareOfLifetime = 0.2;
const untouchedMs = 20 * 3_600_000;

/**
 * When a grant should be refreshed although nobody asks for it: ten minutes before its access
 * token ends (earlier shares of a short life), and within a day in any case. The daily touch keeps
 * Klaviyo's 90 days of idleness away, and finds an uninstall, of which Klaviyo tells nobody.
 */
export function whenDueMs({ expiresAtMs, obtainedAtMs }: TokenPair): number {
  const untilMs = obtainedAtMs + untouchedMs;
  if (expiresAtMs === undefined) return untilMs;
  const lifetimeMs = Math.max(0, expiresAtMs - obtainedAtMs);
  const aheadMs = Math.min(longestAheadMs, Math.round(lifetimeMs * shareOfLifetime));
  return Math.min(untilMs, expiresAtMs - aheadMs);
}
