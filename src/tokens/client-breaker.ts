import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';

/** Stands between the engine and the token endpoint while Klaviyo refuses the app itself. */
export interface ClientBreaker {
  /**
   * To be called before a refresh.
   *
   * @throws KeyshiftError `client_rejected` while open; every so often one caller is let through
   */
  admit(): void;
  /** Klaviyo refused the client credentials: nobody is asked again for a while. */
  trip(description: string): KeyshiftError<'client_rejected'>;
  /** Klaviyo took the client credentials. */
  reset(): void;
  /** Alarms raised since the start. */
  readonly alarms: number;
}

const probeEveryMs = 30_000;
/** While Klaviyo takes the credentials and refuses them by turns, this is told so often only. */
const alarmEveryMs = 600_000;

/**
 * Creates a closed breaker. One refused refresh speaks for every grant of the app: it is the
 * operator's fault, never a customer's, so no grant is touched and the operator is told once.
 */
export function createClientBreaker(clock: Clock, logger: Logger): ClientBreaker {
  let openSinceMs: number | undefined;
  let nextProbeMs = 0;
  let alarms = 0;
  let alarmedAtMs = -Infinity;

  function raiseAlarm(description: string, nowMs: number): void {
    if (nowMs - alarmedAtMs < alarmEveryMs) return;
    alarmedAtMs = nowMs;
    alarms += 1;
    logger.error(
      { alarm: 'client_rejected', reason: description },
      'Klaviyo rejects CLIENT_ID and CLIENT_SECRET: no token can be refreshed until this is fixed',
    );
  }

  return {
    admit() {
      if (openSinceMs === undefined) return;
      const nowMs = clock.now();
      if (nowMs < nextProbeMs) {
        throw new KeyshiftError(
          'client_rejected',
          'Klaviyo rejects the client credentials; the next attempt is held back.',
          { retryAfterSec: Math.ceil((nextProbeMs - nowMs) / 1000) },
        );
      }
      nextProbeMs = nowMs + probeEveryMs;
    },
    trip(description) {
      const nowMs = clock.now();
      nextProbeMs = nowMs + probeEveryMs;
      if (openSinceMs === undefined) {
        openSinceMs = nowMs;
        raiseAlarm(description, nowMs);
      }
      return new KeyshiftError('client_rejected', description, {
        retryAfterSec: probeEveryMs / 1000,
      });
    },
    reset() {
      if (openSinceMs === undefined) return;
      const seconds = Math.round((clock.now() - openSinceMs) / 1000);
      openSinceMs = undefined;
      logger.info({ seconds }, 'Klaviyo accepts the client credentials again');
    },
    get alarms() {
      return alarms;
    },
  };
}
