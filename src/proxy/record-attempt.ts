import type { RoutedCredential } from '../calls/credentials.ts';
import type { RateWindows } from '../calls/rate-windows.ts';
import type { TrafficMeter } from '../calls/traffic-meter.ts';
import type { Clock } from '../runtime/clock.ts';
import { parseRetryAfterSec } from '../runtime/retry-after.ts';
import { errorClassOf } from './answer-class.ts';
import type { ExchangeCall } from './exchange.ts';
import type { ReplyHead, UpstreamOutcome } from './upstream-call.ts';

/** What {@link recordAttempt} writes to. */
export interface AttemptRecords {
  readonly meter: TrafficMeter;
  readonly windows: RateWindows;
  readonly clock: Clock;
}

/** Counts an attempt, and keeps other calls back where Klaviyo says that it has had enough. */
export function recordAttempt(
  { meter, windows, clock }: AttemptRecords,
  { target, operation }: ExchangeCall,
  credential: RoutedCredential,
  outcome: UpstreamOutcome,
): void {
  const { head } = outcome;
  meter.record({
    connectionId: target.kind === 'connection' ? target.connection.id : undefined,
    route: credential.route,
    operationId: operation?.id,
    status: head?.status,
    edge: head?.edge ?? false,
    tookMs: head?.tookMs ?? 0,
    error: errorClassOf(outcome),
  });
  if (head?.status !== 429 || !operation) return;
  const nowMs = clock.now();
  windows.block(credential.quota, operation, retryAfterOf(head, nowMs) ?? 1, nowMs);
}

/** Seconds that an answer asks to wait, where it does. */
export function retryAfterOf({ headers }: ReplyHead, nowMs: number): number | undefined {
  const value = headers['retry-after'];
  return parseRetryAfterSec(typeof value === 'string' ? value : undefined, nowMs);
}
