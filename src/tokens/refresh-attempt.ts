import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { OAuthClient } from '../oauth/oauth-client.ts';
import type { GrantedTokens, TokenOutcome } from '../oauth/token-outcome.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Random } from '../runtime/random.ts';
import type { Grant } from '../model/grant.ts';
import type { GrantStore } from '../store/store.ts';
import type { ClientBreaker } from './client-breaker.ts';
import type { OutcomeCounters } from './outcome-counters.ts';
import { createPairSaver } from './pair-saver.ts';
import { toRefreshFailure, type FailedOutcome } from './refresh-failure.ts';
import type { RefreshBudgets } from './refresh-policy.ts';
import type { OnRefreshStep } from './refresh-steps.ts';
import { toError, toTokenPair } from './token-answer.ts';
import type { SaveOnce, UnsavedPairs } from './unsaved-pairs.ts';
import { withinBudget } from './within-budget.ts';

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
  readonly transaction: <Result>(work: () => Promise<Result>) => Promise<Result>;
  /** Part of the transaction in which the grant is marked as lost. */
  readonly onLost: (grant: Grant) => Promise<void>;
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
 * with the failure on the row for everyone who waits. Answers `superseded` when the lease passed
 * on to another holder meanwhile: then that one's answer counts.
 *
 * Takes no abort signal on purpose: once the token is on the wire, the answer may be the only
 * copy of its successor.
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
    // Whoever sends has time for the whole answer: a process that stood still may have lost its
    // lease, and a token that is spent twice may be the end of the grant.
    const late = clock.now() + budgets.httpMs > leaseEndsAtMs;
    if (late && !(await renew(grant, owner))) return endings.supersede();
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

  /** The grant as it stands, its lease extended; `undefined` when another holder took over. */
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
      const saveOnce: SaveOnce = async (holder = owner) =>
        endings.conclude(await saver.saveOnce(grant, holder, pair), outcome, true);
      unsaved.keep(grant.id, saveOnce);
      throw error;
    }
    onStep('after_save');
    const isLate = outcome === 'late' || clock.now() >= leaseEndsAtMs;
    return endings.conclude(saved, outcome, isLate);
  }

  /** Tries what else the row holds, as long as there is something that was not tried. */
  async function recover(
    held: HeldGrant,
    rejection: GrantRejection,
  ): Promise<Grant | 'superseded'> {
    const { grant, owner } = held;
    breaker.reset();
    const tried = [grant.refreshToken];
    for (;;) {
      const current = await renew(grant, owner);
      if (!current) return endings.supersede();
      const kept = current.previousRefreshToken;
      if (!kept || tried.some((token) => token.equals(kept))) {
        onStep('before_release');
        // Refused when a late holder has left its token there: then that is to be tried as well.
        if (await endings.mark(current, owner)) throw endings.tell(grant, rejection);
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
        : toDoubt(outcome);
    const failure = toRefreshFailure(grant, outcome, error, options);
    onStep('before_release');
    if (!(await grants.releaseLease(grant.id, owner, failure))) return endings.supersede();
    throw new KeyshiftError(error.code, error.message, {
      cause: error,
      retryAfterSec: Math.ceil((failure.retryAtMs - failure.atMs) / 1000),
    });
  }
}

/** How attempts end, and what becomes known of grants that are found dead, or alive after all. */
function createEndings(options: RefreshAttemptOptions) {
  const { grants, counters, logger } = options;

  function supersede(): 'superseded' {
    counters.add('superseded');
    return 'superseded';
  }

  /** The pair is saved: no caller goes without it because of what is told about it. */
  async function takeBack(grant: Grant): Promise<void> {
    try {
      await options.onRegained(grant);
    } catch (error) {
      const { accountId: account } = grant;
      logger.error({ err: error, account }, 'a recovered grant could not be reported');
    }
  }

  return {
    supersede,
    async conclude(
      saved: Grant | undefined,
      outcome: SavedOutcome,
      isLate: boolean,
    ): Promise<Grant | 'superseded'> {
      if (!saved) return supersede();
      if (isLate) await takeBack(saved);
      counters.add(outcome);
      return saved;
    },
    /** All or nothing: a process that dies in between leaves no lost grant that nobody knows of. */
    mark: (grant: Grant, owner: string): Promise<boolean> =>
      options.transaction(async () => {
        if (!(await grants.markLost(grant, owner))) return false;
        await options.onLost(grant);
        return true;
      }),
    tell({ accountId: account }: Grant, { error: reason }: GrantRejection): KeyshiftError {
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

/** Of a stored grant a refusal without a verdict says nothing: nobody is told to consent again. */
function toDoubt(outcome: FailedOutcome): KeyshiftError {
  const error = toError(outcome);
  return outcome.kind === 'request_rejected'
    ? new KeyshiftError('upstream_unreadable', error.message)
    : error;
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
