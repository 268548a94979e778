import {
  retryAfterOf,
  type AnswerHead,
  type Gate,
  type OutgoingCall,
  type Waiter,
} from '../calls/driver.ts';
import type { SentCredential } from '../calls/credentials.ts';
import type { RateWindows } from '../calls/rate-windows.ts';
import type { Clock } from '../runtime/clock.ts';
import { FairQueue, type Party } from './fair-queue.ts';

/** Calls that may wait for a connection to Klaviyo. */
const mostWaiting = 10_000;

/**
 * The connections to Klaviyo in two lanes. Calls whose pace a caller sets, because it streams a body
 * up or is slow to read its answer, have a lane of their own: they never hold a place that others
 * wait for.
 */
export interface Lanes {
  readonly calls: FairQueue;
  readonly streams: FairQueue;
}

/** Creates the lanes: two in three connections are for ordinary calls. */
export function createLanes(connections: number, clock: Clock): Lanes {
  const streams = Math.floor(connections / 3);
  const units = 'connections to Klaviyo';
  return {
    calls: new FairQueue({ capacity: connections - streams, seats: mostWaiting, units, clock }),
    streams: new FairQueue({ capacity: streams, seats: mostWaiting, units, clock }),
  };
}

/** What {@link ProxyGate} works with. */
export interface ProxyGateOptions {
  readonly windows: RateWindows;
  readonly lanes: Lanes;
  readonly clock: Clock;
}

/**
 * The gate of one call in the proxy: it holds the call back while a 429 lasts that Klaviyo gave to
 * others, where that is soon over, and while every connection of its share is in use. Windows are
 * the caller's own to keep, who may know better what it has sent. A call waits here and not in a
 * connection's queue, so that it chooses its credential when it goes out and not when it came in.
 */
export class ProxyGate implements Gate {
  readonly #options: ProxyGateOptions;
  readonly #party: Party;
  readonly #lane: FairQueue;
  #holds: FairQueue | undefined;

  /** @param streamed whether the caller's body goes through as it comes */
  constructor(options: ProxyGateOptions, party: Party, streamed: boolean) {
    this.#options = options;
    this.#party = party;
    this.#lane = streamed ? options.lanes.streams : options.lanes.calls;
  }

  waitMs({ operation, patientUntilMs }: OutgoingCall, { quota }: SentCredential): number {
    if (!operation || quota === undefined) return 0;
    const { windows, clock } = this.#options;
    const nowMs = clock.now();
    const waitMs = windows.blockedMs(quota, operation, nowMs);
    return nowMs + waitMs <= patientUntilMs ? waitMs : 0;
  }

  learn(
    { operation }: OutgoingCall,
    { quota }: SentCredential,
    { status, headers }: AnswerHead,
  ): void {
    if (status !== 429 || !operation || quota === undefined) return;
    const { windows, clock } = this.#options;
    const nowMs = clock.now();
    windows.block(quota, operation, retryAfterOf(headers, nowMs) ?? 1, nowMs);
  }

  enter({ patientUntilMs }: OutgoingCall, waiter: Waiter): Promise<void> | undefined {
    const lane = this.#lane;
    const wait = lane.take(this.#party, 1, patientUntilMs, waiter);
    if (wait) return wait.then(() => void (this.#holds = lane));
    this.#holds = lane;
    return undefined;
  }

  leave(): void {
    this.#holds?.release(this.#party, 1);
    this.#holds = undefined;
  }

  /** Lets go of a place that others wait for, if there is one in the other lane. */
  stepAside(): void {
    const { calls, streams } = this.#options.lanes;
    if (this.#holds !== calls || !streams.tryTake(this.#party, 1)) return;
    calls.release(this.#party, 1);
    this.#holds = streams;
  }
}
