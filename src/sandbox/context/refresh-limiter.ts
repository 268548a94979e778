import type { Clock } from '../../runtime/clock.ts';

/** Counts refreshes per install, in fixed windows of a minute. */
export interface RefreshLimiter {
  /**
   * Takes a place, or returns how many seconds there is none; a refused call is free.
   */
  secondsUntilFree(
    install: { readonly clientId: string; readonly accountId: string },
    perMinute: number,
  ): number | undefined;
}

const windowMs = 60_000;

/**
 * Creates the limit that Klaviyo is said to have: about ten refreshes a minute for each install
 * (second-hand). That a refused call leaves the token unspent, what the body says, and that the
 * window opens with its first refresh, is assumed.
 */
export function createRefreshLimiter(clock: Clock): RefreshLimiter {
  const windows = new Map<string, { startMs: number; count: number }>();
  return {
    secondsUntilFree({ clientId, accountId }, perMinute) {
      const nowMs = clock.now();
      const name = `${clientId} ${accountId}`;
      const known = windows.get(name);
      const window =
        known && known.startMs + windowMs > nowMs ? known : { startMs: nowMs, count: 0 };
      windows.set(name, window);
      if (window.count >= perMinute) {
        return Math.ceil((window.startMs + windowMs - nowMs) / 1_000);
      }
      window.count += 1;
      return undefined;
    },
  };
}
