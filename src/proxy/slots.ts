import { KeyshiftError } from '../errors/keyshift-error.ts';

/** Places for calls on the wire: as many as there are connections to Klaviyo. */
export interface Slots {
  /** Nothing when there is a place, else a promise of one. */
  take(): Promise<void> | undefined;
  release(): void;
}

/**
 * Creates the places. A call waits here and not in a connection's queue, so that it chooses its
 * credential when it goes out and not when it came in.
 *
 * @throws KeyshiftError `proxy_busy` from `take` when too many wait already
 */
export function createSlots(limit: number, mostWaiting: number): Slots {
  const waiting: (() => void)[] = [];
  let taken = 0;
  return {
    take() {
      if (taken < limit) {
        taken += 1;
        return undefined;
      }
      if (waiting.length >= mostWaiting) {
        throw new KeyshiftError('proxy_busy', 'Every connection to Klaviyo is in use.', {
          retryAfterSec: 1,
        });
      }
      return new Promise((resolve) => waiting.push(resolve));
    },
    release() {
      const next = waiting.shift();
      if (next) next();
      else taken -= 1;
    },
  };
}
