import { isKind, KeyshiftError } from '../errors/keyshift-error.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import { isUsable, type Grant, type RefreshFailure } from '../model/grant.ts';
import type { GrantStore } from '../store/grants.ts';
import type { ClientBreaker } from './client-breaker.ts';
import {
  assertActive,
  type HeldGrant,
  type OnRefreshStep,
  type RefreshAttempt,
} from './refresh-attempt.ts';
import type { RefreshBudgets } from './refresh-policy.ts';

/** What {@link createRefreshCoordinator} works with. */
export interface RefreshCoordinatorOptions {
  readonly grants: GrantStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly budgets: RefreshBudgets;
  readonly breaker: ClientBreaker;
  readonly attempt: RefreshAttempt;
  readonly onStep: OnRefreshStep;
}

/**
 * What a caller does after a refresh that failed a moment ago: a `patient` one waits until the next
 * is due; an `urgent` one, behind which a person stands, tries again at once.
 */
export type Urgency = 'patient' | 'urgent';

/** Brings a grant to a generation above the one it is given with, once across all processes. */
export interface RefreshCoordinator {
  /**
   * Refreshes, or waits for whoever is refreshing and shares the result or the failure.
   *
   * @throws KeyshiftError `grant_lost`, `client_rejected`, `upstream_*`
   */
  advance(grant: Grant, urgency?: Urgency): Promise<Grant>;
  /** Refreshes a grant whose lease was claimed for `owner` already. */
  advanceClaimed(grant: Grant, owner: string): Promise<Grant>;
  /**
   * Waits for a refresh on the wire, then takes the lease, so that nobody refreshes the grant
   * meanwhile. Whoever calls this releases the lease.
   *
   * @param find reads the grant anew: a refresh that was waited for has changed it
   * @returns the grant as it stands; `undefined` when there is none that is active
   * @throws KeyshiftError `upstream_timeout` when another process holds the lease for too long
   */
  hold(find: () => Promise<Grant | undefined>): Promise<HeldGrant | undefined>;
}

/** Pause between two looks at a lease that another process holds: a primary-key read each. */
const pollMs = 40;
/** A caller without a usable token waits this long for the next try, rather than fail. */
const longestWaitForRetryMs = 5_000;
const attemptsPerCall = 3;

/** Creates the coordinator. */
export function createRefreshCoordinator(options: RefreshCoordinatorOptions): RefreshCoordinator {
  const { grants, clock, random, budgets, breaker, attempt, onStep } = options;

  /** The lease and the intent are one write: there is no moment with one and not the other. */
  async function claim(grant: Grant, owner: string): Promise<HeldGrant | undefined> {
    onStep('before_intent');
    const held = await lease(grant, owner);
    if (held) onStep('after_intent');
    return held;
  }

  async function lease({ id, generation }: Grant, owner: string): Promise<HeldGrant | undefined> {
    const nowMs = clock.now();
    const leaseEndsAtMs = nowMs + budgets.leaseMs;
    const request = { generation, owner, nowMs, expiresAtMs: leaseEndsAtMs };
    const held = await grants.acquireLease(id, request);
    return held && { grant: held, owner, leaseEndsAtMs };
  }

  /** Lets the other process work on; throws when it has had its time. */
  async function waitForHolder({ accountId }: Grant, sinceMs: number): Promise<void> {
    if (clock.now() - sinceMs > budgets.waitMs) {
      throw new KeyshiftError(
        'upstream_timeout',
        `Another process has been refreshing account ${accountId} for too long.`,
      );
    }
    await clock.sleep(Math.round(pollMs * (0.5 + random.fraction())));
  }

  /** One round: refresh if the lease is free, else see what its holder has come to. */
  async function round(grant: Grant, sinceMs: number, urgency: Urgency): Promise<Grant | 'wait'> {
    const lease = await grants.readLease(grant.id);
    if (!lease || lease.state !== 'active' || lease.generation !== grant.generation) {
      return assertActive((await grants.findById(grant.id)) ?? grant);
    }
    const { failure } = lease;
    // A holder that failed while this caller waited has failed for it too.
    const failedMeanwhile = failure !== undefined && failure.atMs >= sinceMs;
    if (failure && (failedMeanwhile || isHeldBack(failure, urgency, clock.now()))) {
      throw toSharedError(failure, clock.now());
    }
    if (lease.owner !== undefined && lease.expiresAtMs > clock.now()) return 'wait';
    // An urgent caller is let through: it tells whether the credentials are mended.
    if (urgency === 'patient') breaker.admit();
    const owner = random.id();
    const held = await claim(grant, owner);
    const result = held ? await attempt(held) : 'superseded';
    return result === 'superseded' ? 'wait' : result;
  }

  async function advanceOnce(grant: Grant, urgency: Urgency): Promise<Grant> {
    const sinceMs = clock.now();
    for (;;) {
      const result = await round(grant, sinceMs, urgency);
      if (result !== 'wait') return result;
      await waitForHolder(grant, sinceMs);
    }
  }

  return {
    async advance(grant, urgency = 'patient') {
      for (let attempts = 1; ; attempts += 1) {
        try {
          return await advanceOnce(grant, urgency);
        } catch (error) {
          const pauseMs = pauseBeforeRetryMs(error);
          const waiting = !isUsable(grant, clock.now());
          if (pauseMs === undefined || !waiting || attempts === attemptsPerCall) throw error;
          await clock.sleep(pauseMs);
        }
      }
    },
    async advanceClaimed(grant, owner) {
      try {
        breaker.admit();
      } catch (error) {
        await grants.releaseLease(grant.id, owner);
        throw error;
      }
      const held = await claim(grant, owner);
      const result = held ? await attempt(held) : 'superseded';
      return result === 'superseded' ? advanceOnce(grant, 'patient') : result;
    },
    async hold(find) {
      const sinceMs = clock.now();
      for (;;) {
        const grant = await find();
        if (grant?.state !== 'active') return undefined;
        const held = await lease(grant, random.id());
        if (held) return held;
        await waitForHolder(grant, sinceMs);
      }
    },
  };
}

/** After a time-out not even an urgent caller may try: the provider may still be at work. */
function isHeldBack(failure: RefreshFailure, urgency: Urgency, nowMs: number): boolean {
  if (failure.retryAtMs <= nowMs) return false;
  return urgency === 'patient' || failure.code === 'upstream_timeout';
}

/** How long to wait before another try; `undefined` when no try helps, or none soon enough. */
function pauseBeforeRetryMs(error: unknown): number | undefined {
  if (!isKind(error, 'upstream') || error.retryAfterSec === undefined) return undefined;
  const pauseMs = error.retryAfterSec * 1000;
  return pauseMs <= longestWaitForRetryMs ? pauseMs : undefined;
}

function toSharedError(failure: RefreshFailure, nowMs: number): KeyshiftError {
  return new KeyshiftError(failure.code, failure.message, {
    retryAfterSec: Math.max(0, Math.ceil((failure.retryAtMs - nowMs) / 1000)),
  });
}
