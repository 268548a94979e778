import { isKeyshiftError } from '../errors/keyshift-error.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Connection } from '../store/records.ts';
import type { Store } from '../store/store.ts';
import { defaultHoldPolicy, whyHold, type HoldPolicy } from './hold-policy.ts';
import { backToKey, type StageMachine } from './stage-machine.ts';
import type { Verify } from './verify.ts';

/** What one round of watching found and did. */
export interface WatchReport {
  /** Connections with traffic by OAuth. */
  readonly watched: number;
  readonly held: readonly Hold[];
  /** Consents that waited for an answer of Klaviyo and have it now. */
  readonly verified: number;
  /** Consents that still wait. */
  readonly waiting: number;
}

/** A connection on which OAuth did worse than the key. */
export interface Hold {
  readonly customerId: string;
  /** Whether its traffic went back to the key: a canary's does, a live connection's does not. */
  readonly rolledBack: boolean;
  readonly reason: string;
}

/** Looks after connections on their way to OAuth. */
export interface Watch {
  /** Looks at every connection once. One that fails does not stop the others. */
  round(signal?: AbortSignal): Promise<WatchReport>;
  /** Looks every half minute, until the signal ends it. */
  run(signal: AbortSignal): Promise<void>;
}

/** What {@link createWatch} works with. */
export interface WatchOptions {
  readonly store: Store;
  readonly machine: StageMachine;
  readonly verify: Verify;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly policy?: HoldPolicy;
}

const everyMs = 30_000;
const actor = 'watch';

/** Creates the watch. Several processes may watch at once: a hold is made by one of them. */
export function createWatch(options: WatchOptions): Watch {
  const { store, machine, verify, clock, logger } = options;
  const policy = options.policy ?? defaultHoldPolicy;

  async function round(signal?: AbortSignal): Promise<WatchReport> {
    const held: Hold[] = [];
    let watched = 0;
    for await (const connection of store.connections.list({
      stages: ['canary', 'live', 'quiet'],
    })) {
      if (signal?.aborted) break;
      watched += 1;
      const hold = await withoutStopping(connection, () => look(connection));
      if (hold) held.push(hold);
    }
    const { verified, waiting } = await verifyWaiting(signal);
    return { watched, held, verified, waiting };
  }

  async function look(connection: Connection): Promise<Hold | undefined> {
    const reason = await findReason(connection);
    if (reason === undefined) return undefined;
    const rolledBack = connection.route === 'canary';
    const patch = rolledBack ? backToKey : {};
    await store.transaction((tx) =>
      machine.flag(tx, connection, 'oauth_errors', { actor, reason, patch }),
    );
    const { customerId } = connection;
    logger.warn(
      { customer: customerId, rolledBack, reason },
      'OAuth fails more often than the key',
    );
    return { customerId, rolledBack, reason };
  }

  async function findReason({
    id,
    watchedSinceMs,
    liveSinceMs,
  }: Connection): Promise<string | undefined> {
    const beganMs = watchedSinceMs ?? liveSinceMs;
    if (beganMs === undefined) return undefined;
    const sinceMs = Math.max(beganMs, clock.now() - policy.windowMs);
    const { oauth, key } = await store.traffic.summarize(id, sinceMs);
    if (oauth.calls < policy.minCalls) return undefined;
    // After a cutover nothing goes by key any more: what it did before is the measure.
    const enough = key.calls >= policy.minCalls;
    return whyHold(
      { oauth, key: enough ? key : (await store.traffic.summarize(id, 0)).key },
      policy,
    );
  }

  async function verifyWaiting(signal?: AbortSignal) {
    let [verified, waiting] = [0, 0];
    for await (const connection of store.connections.list({ stages: ['authorized'] })) {
      if (signal?.aborted) break;
      const verification = await withoutStopping(connection, () =>
        verify(connection, { actor, ...(signal ? { signal } : {}) }),
      );
      if (verification?.verdict === 'verified') verified += 1;
      else waiting += 1;
    }
    return { verified, waiting };
  }

  async function withoutStopping<Result>(
    { customerId }: Connection,
    work: () => Promise<Result>,
  ): Promise<Result | undefined> {
    try {
      return await work();
    } catch (error) {
      // Another hand came first, or Klaviyo cannot be asked: the next round sees it anew.
      if (!isKeyshiftError(error)) throw error;
      logger.debug({ customer: customerId, reason: error.message }, 'the watch passes over');
      return undefined;
    }
  }

  return {
    round,
    async run(signal) {
      while (!signal.aborted) {
        await round(signal).catch((error: unknown) => {
          if (signal.aborted) return;
          logger.error({ err: error }, 'the watch could not look; the next round tries again');
        });
        await clock.sleep(everyMs, signal).catch(() => undefined);
      }
    },
  };
}
