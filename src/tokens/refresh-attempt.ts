import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { OAuthClient } from '../oauth/oauth-client.ts';
import type { GrantedTokens, TokenOutcome } from '../oauth/token-outcome.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Random } from '../runtime/random.ts';
import type { Grant } from '../store/records.ts';
import type { GrantStore } from '../store/store.ts';
import type { ClientBreaker } from './client-breaker.ts';
import type { OutcomeCounters } from './outcome-counters.ts';
import { createPairSaver } from './pair-saver.ts';
import { toRefreshFailure, type FailedOutcome } from './refresh-failure.ts';
import type { RefreshBudgets } from './refresh-policy.ts';
import type { OnRefreshStep } from './refresh-steps.ts';
import { toError, toTokenPair } from './token-answer.ts';
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
  readonly onLost: (grant: Grant) => Promise<void>;
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
type GrantRejection = Extract<TokenOutcome, { kind: 'grant_rejected' }>;

/** Creates the attempt. */
export function createRefreshAttempt(options: RefreshAttemptOptions): RefreshAttempt {
  const { grants, oauth, clock, logger, budgets, breaker, counters, onStep } = options;
  const savePair = createPairSaver(options);

  return async ({ grant, owner, leaseEndsAtMs }) => {
    onStep('request_sent');
    // Whoever sends has time for the whole answer: a process that stood still may have lost its
    // lease, and a token that is spent twice may be the end of the grant.
    const late = clock.now() + budgets.httpMs > leaseEndsAtMs;
    if (late && !(await renew(grant, owner))) return supersede();
    const outcome = await spend(grant, owner, grant.refreshToken);
    onStep('reply_received');
    if (outcome.kind === 'granted') return save(grant, owner, outcome.tokens, 'refreshed');
    if (outcome.kind === 'grant_rejected') return recover(grant, owner, outcome);
    return fail(grant, owner, outcome);
  };

  function spend(grant: Grant, owner: string, token: RefreshToken): Promise<TokenOutcome> {
    return withinBudget(oauth.refresh(token), {
      budgetMs: budgets.httpMs,
      clock,
      onTimeOut: (answer) => {
        options.inBackground(async () => {
          const outcome = await answer;
          if (outcome.kind !== 'granted') return;
          await save({ ...grant, refreshToken: token }, owner, outcome.tokens, 'late');
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

  function supersede(): 'superseded' {
    counters.add('superseded');
    return 'superseded';
  }

  async function save(
    grant: Grant,
    owner: string,
    tokens: GrantedTokens,
    outcome: 'refreshed' | 'recovered' | 'late',
  ): Promise<Grant | 'superseded'> {
    breaker.reset();
    const pair = toTokenPair(tokens, grant, clock.now());
    onStep('before_save');
    const saved = await savePair(grant, owner, pair);
    onStep('after_save');
    if (!saved) return supersede();
    counters.add(outcome);
    return saved;
  }

  /** Tries what else the row holds, as long as there is something that was not tried. */
  async function recover(
    grant: Grant,
    owner: string,
    rejection: GrantRejection,
  ): Promise<Grant | 'superseded'> {
    breaker.reset();
    const tried = [grant.refreshToken];
    for (;;) {
      const current = await renew(grant, owner);
      if (!current) return supersede();
      const kept = current.previousRefreshToken;
      if (!kept || tried.some((token) => token.equals(kept))) {
        onStep('before_release');
        // Refused when a late holder has left its token there: then that is to be tried as well.
        if (await grants.markLost(current, owner)) throw await tellLost(grant, rejection);
        continue;
      }
      tried.push(kept);
      const outcome = await spend(grant, owner, kept);
      if (outcome.kind === 'granted') {
        return save({ ...grant, refreshToken: kept }, owner, outcome.tokens, 'recovered');
      }
      if (outcome.kind !== 'grant_rejected') return fail(grant, owner, outcome);
    }
  }

  async function tellLost(grant: Grant, rejection: GrantRejection): Promise<KeyshiftError> {
    counters.add('lost');
    logger.warn({ account: grant.accountId, reason: rejection.error }, 'grant lost');
    await options.onLost(grant);
    return new KeyshiftError(
      'grant_lost',
      `The grant of account ${grant.accountId} is lost: Klaviyo answered ${rejection.error}.`,
    );
  }

  async function fail(grant: Grant, owner: string, outcome: FailedOutcome): Promise<'superseded'> {
    counters.add(outcome.kind);
    const error =
      outcome.kind === 'client_rejected'
        ? breaker.trip(toError(outcome).message)
        : toError(outcome);
    const failure = toRefreshFailure(grant, outcome, error, options);
    onStep('before_release');
    if (!(await grants.releaseLease(grant.id, owner, failure))) return supersede();
    throw new KeyshiftError(error.code, error.message, {
      cause: error,
      retryAfterSec: Math.ceil((failure.retryAtMs - failure.atMs) / 1000),
    });
  }
}

/** @throws KeyshiftError `grant_lost` unless the grant is active */
export function assertActive(grant: Grant): Grant {
  if (grant.state === 'active') return grant;
  throw new KeyshiftError(
    'grant_lost',
    `The grant of account ${grant.accountId} is ${grant.state}.`,
  );
}
