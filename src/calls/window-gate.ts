import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { Clock } from '../runtime/clock.ts';
import { parseRetryAfterSec } from '../runtime/retry-after.ts';
import type { ApiCall } from './api-call.ts';
import type { ApiResponse } from './api-response.ts';
import type { CallStop } from './call-stop.ts';
import type { RoutedCredential } from './credentials.ts';
import type { RateWindows } from './rate-windows.ts';

/** Holds calls back until Klaviyo's windows have a place for them. */
export interface WindowGate {
  /**
   * Nothing when the call may go, else a promise that resolves when it may, and rejects with
   * KeyshiftError `upstream_throttled` when that is past the call's deadline.
   */
  pass(call: ApiCall, credential: RoutedCredential, stop: CallStop): Promise<void> | undefined;
  /** Learns from what Klaviyo answered. */
  learn(call: ApiCall, credential: RoutedCredential, reply: ApiResponse): void;
}

/** Creates the gate; the windows are counted by the credential's quota. */
export function createWindowGate(windows: RateWindows, clock: Clock): WindowGate {
  function waitFor({ operation }: ApiCall, { quota }: RoutedCredential): number {
    return operation ? windows.take(quota, operation, clock.now()) : 0;
  }

  async function waitTurn(
    call: ApiCall,
    credential: RoutedCredential,
    stop: CallStop,
    firstMs: number,
  ): Promise<void> {
    for (let waitMs = firstMs; waitMs > 0; waitMs = waitFor(call, credential)) {
      if (clock.now() + waitMs > call.endsAtMs) {
        throw new KeyshiftError(
          'upstream_throttled',
          `Klaviyo's limit for ${call.operation?.id} is used up for longer than the call’s deadline.`,
          { retryAfterSec: Math.ceil(waitMs / 1000) },
        );
      }
      await clock.sleep(waitMs, stop.signal);
    }
  }

  return {
    pass(call, credential, stop) {
      const waitMs = waitFor(call, credential);
      return waitMs === 0 ? undefined : waitTurn(call, credential, stop, waitMs);
    },
    learn({ operation }, { quota }, reply) {
      if (!operation) return;
      const nowMs = clock.now();
      if (reply.status === 429) {
        const retryAfterSec = readRetryAfter(reply, clock) ?? 1;
        windows.block(quota, operation, retryAfterSec, nowMs);
        return;
      }
      const { headers } = reply;
      const limit = headers.get('ratelimit-limit') ?? undefined;
      const remaining = headers.get('ratelimit-remaining') ?? undefined;
      const reset = headers.get('ratelimit-reset') ?? undefined;
      windows.learn(quota, operation, { limit, remaining, reset }, nowMs);
    },
  };
}

/** Seconds that an answer asks to wait for. */
export function readRetryAfter(reply: ApiResponse, clock: Clock): number | undefined {
  return parseRetryAfterSec(reply.headers.get('retry-after') ?? undefined, clock.now());
}
