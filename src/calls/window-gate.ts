import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { Clock } from '../runtime/clock.ts';
import { retryAfterOf, type Gate } from './driver.ts';
import type { RateWindows } from './rate-windows.ts';

/**
 * Creates the gate that holds calls back until Klaviyo's windows, which are counted by the
 * credential's quota, have a place for them.
 */
export function createWindowGate(windows: RateWindows, clock: Clock): Gate {
  return {
    waitMs({ operation, patientUntilMs }, { quota }) {
      if (!operation || quota === undefined) return 0;
      const nowMs = clock.now();
      const waitMs = windows.take(quota, operation, nowMs);
      if (waitMs === 0 || nowMs + waitMs <= patientUntilMs) return waitMs;
      throw new KeyshiftError(
        'upstream_throttled',
        `Klaviyo's limit for ${operation.id} is used up for longer than the call’s deadline.`,
        { retryAfterSec: Math.ceil(waitMs / 1000) },
      );
    },
    learn({ operation }, { quota }, { status, headers }) {
      if (!operation || quota === undefined) return;
      const nowMs = clock.now();
      if (status === 429) {
        windows.block(quota, operation, retryAfterOf(headers, nowMs) ?? 1, nowMs);
        return;
      }
      const limit = headers['ratelimit-limit']?.toString();
      const remaining = headers['ratelimit-remaining']?.toString();
      const reset = headers['ratelimit-reset']?.toString();
      windows.learn(quota, operation, { limit, remaining, reset }, nowMs);
    },
  };
}

/** Holds nothing back. */
export const openGate: Gate = { waitMs: () => 0, learn: () => undefined };
