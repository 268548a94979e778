import { retryAfterOf, type Gate } from '../calls/driver.ts';
import type { RateWindows } from '../calls/rate-windows.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Slots } from './slots.ts';

/**
 * Creates the gate of the proxy: it holds calls back while a 429 lasts that Klaviyo gave to others,
 * where that is soon over, and while every connection is in use. Windows are the caller's own to
 * keep, who may know better what it has sent.
 */
export function createProxyGate(windows: RateWindows, slots: Slots, clock: Clock): Gate {
  return {
    waitMs({ operation, patientUntilMs }, { quota }) {
      if (!operation || quota === undefined) return 0;
      const nowMs = clock.now();
      const waitMs = windows.blockedMs(quota, operation, nowMs);
      return nowMs + waitMs <= patientUntilMs ? waitMs : 0;
    },
    learn({ operation }, { quota }, { status, headers }) {
      if (status !== 429 || !operation || quota === undefined) return;
      const nowMs = clock.now();
      windows.block(quota, operation, retryAfterOf(headers, nowMs) ?? 1, nowMs);
    },
    enter: slots.take,
    leave: slots.release,
  };
}
