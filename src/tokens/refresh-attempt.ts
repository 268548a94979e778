import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { OAuthClient } from '../oauth/oauth-client.ts';
import type { GrantedTokens, TokenOutcome } from '../oauth/token-outcome.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Random } from '../runtime/random.ts';
import type { Grant } from '../model/grant.ts';
import type { GrantStore } from '../store/grants.ts';
import type { Store } from '../store/store.ts';
import type { ClientBreaker } from './client-breaker.ts';
import { createPairSaver, type SaveKept, type UnsavedPairs } from './pair-saver.ts';
import {
  toError,
  toInconclusiveError,
  toRefreshFailure,
  toTokenPair,
  type FailedOutcome,
  type OutcomeCounters,
} from './refresh-outcome.ts';
import type { RefreshBudgets } from './refresh-policy.ts';

/**
 * The steps of a refresh, in order, as the crash suite knows them: after any of them the process
 * may die, and no customer may be lost for it.
 */
export const refreshSteps = [
  'before_intent',
  'after_intent',
  'request_sent',
  'reply_received',
  'before_save',
  'after_save',
  'before_release',
] as const;
export type RefreshStep = (typeof refreshSteps)[number];

/** Told of every step as it is reached. */
export type OnRefreshStep = (step: RefreshStep) => void;

/** What a {@link RefreshAttempt} works with. */
export interface RefreshAttemptOptions {
  readonly grants: GrantStore;
  readonly oauth: OAuthClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly budgets: RefreshBudgets;
  readonly breaker: ClientBreaker;
  readonly counters: OutcomeCounters;
  readonly onStep: OnRefreshStep;
  /** Runs writes that belong together in one transaction. */
  readonly transaction: Store['transaction'];
  /** Part of the transaction in which the grant is marked as lost. */
  readonly onLost: (grant: Grant, tx: Store) => Promise<void>;
  /** A save that came late may bring a grant back that was called lost meanwhile. */
  readonly onRegained: (grant: Grant) => Promise<void>;
  /** Takes over the pairs that could not be saved while a caller waited. */
  readonly unsaved: UnsavedPairs;
  /** Runs what no caller waits for, and keeps the engine from being drained meanwhile. */
  readonly inBackground: (work: () => Promise<void>) => void;
}

/** A grant whose refresh token this process may spend. */
export interface HeldGrant {
  readonly grant: Grant;
  readonly owner: string;
  readonly leaseEndsAtMs: number;
}

/**
 * Spends the refresh token of a grant, and leaves the lease released: with the new pair saved, or
 * with the failure on the row for everyone who waits.
 *
 * Takes no abort signal on purpose: once the token is on the wire, the answer may be the only
 * copy of its successor.
 *
 * @returns the grant with the new pair; `superseded` when the lease passed on to another process
 * meanwhile: then that one's result counts
 */
export type RefreshAttempt = (held: HeldGrant) => Promise<Grant | 'superseded'>;

type RefreshToken = Grant['refreshToken'];
type SavedOutcome = 'refreshed' | 'recovered' | 'late';
type GrantRejection = Extract<TokenOutcome, { kind: 'grant_rejected' }>;

/** Creates the attempt. */
export function createRefreshAttempt(options: RefreshAttemptOptions): RefreshAttempt {
  const { grants, oauth, clock, budgets, breaker, counters, onStep, unsaved } = options;
  const saver = createPairSaver(options);
  const endings = createEndings(options);

  return async (held) => {
    const { grant, owner, leaseEndsAtMs } = held;
    onStep('request_sent');
    // There must be time left for the whole answer: a process that stood still may have lost its
    // lease, and a refresh token that is spent twice may end the grant.
    const late = clock.now() + budgets.httpMs > leaseEndsAtMs;
    if (late && !(await renew(grant, owner))) return endings.superseded();
    const outcome = await spend(held, grant.refreshToken);
    onStep('reply_received');
    if (outcome.kind === 'granted') return save(held, outcome.tokens, 'refreshed');
    if (outcome.kind === 'grant_rejected') return recover(held, outcome);
    return fail(grant, owner, outcome);
  };

  function spend(held: HeldGrant, token: RefreshToken): Promise<TokenOutcome> {
    return withinBudget(oauth.refresh(token), {
      budgetMs: budgets.httpMs,
      clock,
      onTimeOut: (answer) => {
        options.inBackground(async () => {
          const outcome = await answer;
          if (outcome.kind !== 'granted') return;
          await save(withToken(held, token), outcome.tokens, 'late');
        });
      },
    });
  }

  /** Extends the lease. Returns the grant as it is now, or `undefined` when the lease is lost. */
  function renew({ id, generation }: Grant, owner: string): Promise<Grant | undefined> {
    const nowMs = clock.now();
    const expiresAtMs = nowMs + budgets.leaseMs;
    return grants.acquireLease(id, { generation, owner, nowMs, expiresAtMs });
  }

  async function save(
    { grant, owner, leaseEndsAtMs }: HeldGrant,
    tokens: GrantedTokens,
    outcome: SavedOutcome,
  ): Promise<Grant | 'superseded'> {
    breaker.reset();
    const pair = toTokenPair(tokens, grant, clock.now());
    onStep('before_save');
    let saved: Grant | undefined;
    try {
      saved = await saver.save(grant, owner, pair);
    } catch (error) {
      const saveKept: SaveKept = async (holder = owner) =>
        endings.saved(await saver.saveOnce(grant, holder, pair), outcome, true);
      unsaved.keep(grant.id, saveKept);
      throw error;
    }
    onStep('after_save');
    const isLate = outcome === 'late' || clock.now() >= leaseEndsAtMs;
    return endings.saved(saved, outcome, isLate);
  }

  /** Tries the other refresh tokens that the row holds, until none is left that was not tried. */
  async function recover(
    held: HeldGrant,
    rejection: GrantRejection,
  ): Promise<Grant | 'superseded'> {
    const { grant, owner } = held;
    breaker.reset();
    const tried = [grant.refreshToken];
    for (;;) {
      const current = await renew(grant, owner);
      if (!current) return endings.superseded();
      const kept = current.previousRefreshToken;
      if (!kept || tried.some((token) => token.equals(kept))) {
        onStep('before_release');
        // Fails when a process that lost the lease has just left its token on the row: try that too.
        if (await endings.markLost(current, owner)) throw endings.lost(grant, rejection);
        continue;
      }
      tried.push(kept);
      const outcome = await spend(held, kept);
      if (outcome.kind === 'granted') {
        return save(withToken(held, kept), outcome.tokens, 'recovered');
      }
      if (outcome.kind !== 'grant_rejected') return fail(grant, owner, outcome);
    }
  }

  async function fail(grant: Grant, owner: string, outcome: FailedOutcome): Promise<'superseded'> {
    counters.add(outcome.kind);
    const error =
      outcome.kind === 'client_rejected'
        ? breaker.trip(toError(outcome).message)
        : toInconclusiveError(outcome);
    const failure = toRefreshFailure(grant, outcome, error, options);
    onStep('before_release');
    if (!(await grants.releaseLease(grant.id, owner, failure))) return endings.superseded();
    throw new KeyshiftError(error.code, error.message, {
      cause: error,
      retryAfterSec: Math.ceil((failure.retryAtMs - failure.atMs) / 1000),
    });
  }
}

/** How an attempt can end, each with its count, its log line and whoever has to be told. */
function createEndings(options: RefreshAttemptOptions) {
  const { counters, logger } = options;

  function superseded(): 'superseded' {
    counters.add('superseded');
    return 'superseded';
  }

  /** The pair is saved, and its caller gets it whether or not this succeeds. */
  async function reportRegained(grant: Grant): Promise<void> {
    try {
      await options.onRegained(grant);
    } catch (error) {
      const { accountId: account } = grant;
      logger.error({ err: error, account }, 'a recovered grant could not be reported');
    }
  }

  return {
    superseded,
    async saved(
      grant: Grant | undefined,
      outcome: SavedOutcome,
      isLate: boolean,
    ): Promise<Grant | 'superseded'> {
      if (!grant) return superseded();
      if (isLate) await reportRegained(grant);
      counters.add(outcome);
      return grant;
    },
    /** All or nothing: a process that dies in between leaves no lost grant that nobody knows of. */
    markLost: (grant: Grant, owner: string): Promise<boolean> =>
      options.transaction(async (tx) => {
        if (!(await tx.grants.markLost(grant, owner))) return false;
        await options.onLost(grant, tx);
        return true;
      }),
    lost({ accountId: account }: Grant, { error: reason }: GrantRejection): KeyshiftError {
      counters.add('lost');
      logger.warn(
        { account, reason },
        'grant lost: uninstalled or revoked in Klaviyo; the customer has to connect again',
      );
      return new KeyshiftError(
        'grant_lost',
        `The grant of account ${account} is lost: Klaviyo answered ${reason}.`,
      );
    },
  };
}

/** The same lease, with the refresh token that a successful answer may leave in place. */
function withToken(held: HeldGrant, refreshToken: RefreshToken): HeldGrant {
  return { ...held, grant: { ...held.grant, refreshToken } };
}

/** @throws KeyshiftError `grant_lost` unless the grant is active */
export function assertActive(grant: Grant): Grant {
  if (grant.state === 'active') return grant;
  throw new KeyshiftError(
    'grant_lost',
    `The grant of account ${grant.accountId} is ${grant.state}.`,
  );
}

/** What {@link withinBudget} takes besides the answer it waits for. */
export interface BudgetOptions {
  readonly budgetMs: number;
  readonly clock: Clock;
  /** Given the answer that is still to come when nobody waits for it any more. */
  readonly onTimeOut?: (answer: Promise<TokenOutcome>) => void;
}

/** Made once: without a reason, each refresh would pay for an error with a stack. */
const noMoreWait = new Error('the answer is there');

/**
 * Waits for an answer of the token endpoint as long as the budget allows, then returns a time-out.
 * The request itself is left on the wire: a slow answer may hold the only copy of the next refresh
 * token.
 *
 * @example
 * ```ts
 * const outcome = await withinBudget(oauth.refresh(token), { budgetMs, clock, onTimeOut: adopt });
 * ```
 */
export async function withinBudget(
  answer: Promise<TokenOutcome>,
  { budgetMs, clock, onTimeOut }: BudgetOptions,
): Promise<TokenOutcome> {
  const answered = new AbortController();
  const timeOut = clock.sleep(budgetMs, answered.signal).then(
    () => undefined,
    () => undefined,
  );
  const inTime = await Promise.race([answer, timeOut]).finally(() => {
    answered.abort(noMoreWait);
  });
  if (inTime) return inTime;
  if (onTimeOut) onTimeOut(answer);
  else answer.catch(() => undefined);
  return {
    kind: 'transient',
    status: 504,
    reason: `no answer within ${budgetMs} ms`,
    retryAfterSec: undefined,
    answered: false,
    timedOut: true,
  };
}
