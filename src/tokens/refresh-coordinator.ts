import { isKind, KeyshiftError } from '../errors/keyshift-error.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import type { Grant, RefreshFailure } from '../model/grant.ts';
import type { GrantStore } from '../store/store.ts';
import type { ClientBreaker } from './client-breaker.ts';
import { assertActive, type HeldGrant, type RefreshAttempt } from './refresh-attempt.ts';
import { isUsable, type RefreshBudgets } from './refresh-policy.ts';
import type { OnRefreshStep } from './refresh-steps.ts';

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
 * How a caller takes a failure of a moment ago: `patient` callers wait for its time, `pressing`
 * ones, who were asked for a refresh by a person, try again at once.
 */
export type Urgency = 'patient' | 'pressing';

/** Brings a grant to a generation above the one it is given with, once across all processes. */
export interface RefreshCoordinator {
  /**
   * Refreshes, or waits for whoever is refreshing and shares the answer or the failure.
   *
   * @throws KeyshiftError `grant_lost`, `client_rejected`, `upstream_*`
   */
  advance(grant: Grant, urgency?: Urgency): Promise<Grant>;
  /** Refreshes a grant whose lease was claimed for `owner` already. */
  advanceClaimed(grant: Grant, owner: string): Promise<Grant>;
}

/** Pause between two looks at a lease that another process holds: a primary-key read each. */
const pollMs = 40;
/** A caller whose token is dead rides out failures this short, rather than fail. */
const ridableMs = 5_000;
const attemptsPerCall = 3;

/** Creates the coordinator. */
export function createRefreshCoordinator(options: RefreshCoordinatorOptions): RefreshCoordinator {
  const { grants, clock, random, budgets, breaker, attempt, onStep } = options;

  /** The lease and the intent are one write: there is no moment with one and not the other. */
  async function claim(grant: Grant, owner: string): Promise<HeldGrant | undefined> {
    const nowMs = clock.now();
    const leaseEndsAtMs = nowMs + budgets.leaseMs;
    onStep('before_intent');
    const held = await grants.acquireLease(grant.id, {
      generation: grant.generation,
      owner,
      nowMs,
      expiresAtMs: leaseEndsAtMs,
    });
    if (!held) return undefined;
    onStep('after_intent');
    return { grant: held, owner, leaseEndsAtMs };
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
    // A person who presses is the probe that tells whether the credentials are mended.
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
      if (clock.now() - sinceMs > budgets.waitMs) {
        throw new KeyshiftError(
          'upstream_timeout',
          `Another process has been refreshing account ${grant.accountId} for too long.`,
        );
      }
      await clock.sleep(Math.round(pollMs * (0.5 + random.fraction())));
    }
  }

  return {
    async advance(grant, urgency = 'patient') {
      for (let attempts = 1; ; attempts += 1) {
        try {
          return await advanceOnce(grant, urgency);
        } catch (error) {
          const pauseMs = ridablePauseMs(error);
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
  };
}

/** After a time-out nobody may press: the provider may still be at work on the token. */
function isHeldBack(failure: RefreshFailure, urgency: Urgency, nowMs: number): boolean {
  if (failure.retryAtMs <= nowMs) return false;
  return urgency === 'patient' || failure.code === 'upstream_timeout';
}

/** How long to wait before another try is worth it; `undefined` when it is not. */
function ridablePauseMs(error: unknown): number | undefined {
  if (!isKind(error, 'upstream') || error.retryAfterSec === undefined) return undefined;
  const pauseMs = error.retryAfterSec * 1000;
  return pauseMs <= ridableMs ? pauseMs : undefined;
}

function toSharedError(failure: RefreshFailure, nowMs: number): KeyshiftError {
  return new KeyshiftError(failure.code, failure.message, {
    retryAfterSec: Math.max(0, Math.ceil((failure.retryAtMs - nowMs) / 1000)),
  });
}
