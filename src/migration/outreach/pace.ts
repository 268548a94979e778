import type { Clock } from '../../runtime/clock.ts';

/** Waits for the next turn. */
export type Pace = (signal?: AbortSignal) => Promise<void>;

/** A tenth of a second's share may go out at once, so that timers are not the limit. */
const burstMs = 100;

/** Lets through so many a second, evenly, over all who wait. */
export function createPace(ratePerSec: number, clock: Clock): Pace {
  const everyMs = 1000 / ratePerSec;
  let nextMs = 0;
  return async (signal) => {
    const nowMs = clock.now();
    nextMs = Math.max(nextMs, nowMs - burstMs) + everyMs;
    const waitMs = nextMs - nowMs;
    if (waitMs < 1) return;
    await clock.sleep(Math.ceil(waitMs), signal).catch(() => undefined);
  };
}
