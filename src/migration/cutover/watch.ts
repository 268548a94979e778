import { isKeyshiftError } from '../../errors/keyshift-error.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Logger } from '../../runtime/logger.ts';
import type { Random } from '../../runtime/random.ts';
import { runService } from '../../runtime/service.ts';
import { backToKey, type Connection } from '../../model/connection.ts';
import { isWatched, stagesWhere } from '../../model/stages.ts';
import type { Store } from '../../store/store.ts';
import { trafficBucketMs, trafficBucketOf } from '../../model/traffic.ts';
import { defaultHoldPolicy, whyHold, type HoldPolicy } from '../../model/hold-policy.ts';
import type { StageMachine } from '../stage-machine.ts';
import type { Verify } from '../consent/verify.ts';

/** What one round of watching found and did. */
export interface WatchReport {
  /** Connections with traffic by OAuth. */
  readonly watched: number;
  readonly held: readonly Hold[];
  /**
   * Live connections whose calls get no good answer since the same moment, a tenth of all or more:
   * that is Klaviyo's outage and no customer's matter, so none of them was held. 0 as a rule.
   */
  readonly failingTogether: number;
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

/** What a round would do, by what is stored. */
export interface WatchFindings {
  readonly watched: number;
  /** Connections that would be held, and why. */
  readonly bad: readonly { readonly connection: Connection; readonly reason: string }[];
  /** See {@link WatchReport.failingTogether}; of how many live connections. */
  readonly failingTogether: number;
  readonly judged: number;
}

/** Looks after connections on their way to OAuth. */
export interface Watch {
  /** Looks at every connection, and changes nothing. */
  look(signal?: AbortSignal): Promise<WatchFindings>;
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
  readonly random: Random;
  readonly logger: Logger;
  readonly policy?: HoldPolicy;
}

const everyMs = 30_000;
const actor = 'watch';
/** When so many live connections, and such a share of all, begin to fail, Klaviyo is down for all. */
const together = { fewest: 20, share: 0.1 };

/** What the calls of a connection say, where there were enough of them. */
interface Judgement {
  /** Why it should not go on. */
  readonly reason: string | undefined;
  /** Whether failures without a verdict on the credential (5xx, no answer) are reason enough. */
  readonly mayBeOutage: boolean;
}

/** Creates the watch. Several processes may watch at once: a hold is made by one of them. */
export function createWatch(options: WatchOptions): Watch {
  const { store, verify, clock, logger } = options;
  const policy = options.policy ?? defaultHoldPolicy;

  // What live connections did before this is not counted any more: it was an outage.
  let outageUntilMs = 0;

  async function look(signal?: AbortSignal): Promise<WatchFindings> {
    const bad: { readonly connection: Connection; readonly reason: string }[] = [];
    const failing: typeof bad = [];
    let [watched, judged] = [0, 0];
    for await (const connection of store.connections.list({
      stages: stagesWhere(isWatched),
    })) {
      if (signal?.aborted) break;
      watched += 1;
      const judgement = await withoutStopping(connection, () => judge(connection));
      if (!judgement) continue;
      const { reason, mayBeOutage } = judgement;
      const isCanary = connection.route === 'canary';
      if (!isCanary) judged += 1;
      if (reason === undefined) continue;
      // A canary's key carries the calls meanwhile, whoever is at fault. And who is refused needs
      // another scope or consent, also when it is everybody.
      (isCanary || !mayBeOutage ? bad : failing).push({ connection, reason });
    }
    const atOnce = failing.length >= together.fewest && failing.length >= judged * together.share;
    return atOnce
      ? { watched, judged, bad, failingTogether: failing.length }
      : { watched, judged, bad: [...bad, ...failing], failingTogether: 0 };
  }

  async function round(signal?: AbortSignal): Promise<WatchReport> {
    const { watched, judged, bad, failingTogether } = await look(signal);
    const held = await holdAll(bad);
    if (failingTogether > 0) passOver(failingTogether, judged);
    const { verified, waiting } = await verifyWaiting(signal);
    return { watched, held, failingTogether, verified, waiting };
  }

  /** Thousands of customers held for one outage would each need a person afterwards. */
  function passOver(failing: number, judged: number): void {
    outageUntilMs = trafficBucketOf(clock.now()) + trafficBucketMs;
    logger.error(
      { alarm: 'oauth_failing_together', failing, of: judged },
      'calls over OAuth began to fail for many connections at once: check Klaviyo, not the customers; no connection was put on hold',
    );
  }

  async function holdAll(
    found: readonly { readonly connection: Connection; readonly reason: string }[],
  ): Promise<readonly Hold[]> {
    const held: Hold[] = [];
    for (const { connection, reason } of found) {
      const made = await withoutStopping(connection, () => hold(options, connection, reason));
      if (made) held.push(made);
    }
    return held;
  }

  async function judge(connection: Connection): Promise<Judgement | undefined> {
    const { id, route } = connection;
    const beganMs = connection.watchedSinceMs ?? connection.liveSinceMs;
    if (beganMs === undefined) return undefined;
    const countedFromMs = Math.max(beganMs, route === 'canary' ? 0 : outageUntilMs);
    const sinceMs = Math.max(countedFromMs, clock.now() - policy.windowMs);
    const { oauth, key } = await store.traffic.summarize(id, sinceMs);
    if (oauth.calls < policy.minCalls) return undefined;
    // After a cutover nothing goes by key any more: what it did before is the measure.
    const enough = key.calls >= policy.minCalls;
    const measure = enough ? key : (await store.traffic.summarize(id, 0)).key;
    const outage = { oauth: { ...oauth, refused: 0 }, key: measure };
    return {
      reason: whyHold({ oauth, key: measure }, policy),
      mayBeOutage: whyHold(outage, policy) !== undefined,
    };
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
      logger.debug({ customer: customerId, reason: error.message }, 'the watch skips a connection');
      return undefined;
    }
  }

  return {
    look,
    round,
    run: (signal) =>
      runService(
        {
          name: 'the watch',
          everyMs,
          async round(ended) {
            await round(ended);
            return undefined;
          },
        },
        options,
        signal,
      ),
  };
}

async function hold(
  { store, machine, logger }: WatchOptions,
  connection: Connection,
  reason: string,
): Promise<Hold> {
  const { customerId } = connection;
  const rolledBack = connection.route === 'canary';
  const change = rolledBack ? { way: backToKey(connection) } : {};
  await store.transaction((tx) =>
    machine.flag(tx, connection, 'oauth_errors', { actor, reason, change }),
  );
  logger.warn({ customer: customerId, rolledBack, reason }, 'OAuth fails more often than the key');
  return { customerId, rolledBack, reason };
}
