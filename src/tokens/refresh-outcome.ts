import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { Grant, RefreshFailure, TokenPair } from '../model/grant.ts';
import { upstreamCode } from '../klaviyo/upstream-code.ts';
import type { GrantedTokens, TokenOutcome } from '../oauth/token-outcome.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import { backOffMs, type RefreshBudgets } from './refresh-policy.ts';

/** Outcomes that say nothing about the grant. */
export type FailedOutcome = Exclude<TokenOutcome, { kind: 'granted' | 'grant_rejected' }>;

/** Completes what a token answer may leave out with what is known already. */
export function toTokenPair(
  tokens: GrantedTokens,
  known: Pick<TokenPair, 'refreshToken' | 'scope'>,
  nowMs: number,
): TokenPair {
  return {
    accessToken: tokens.accessToken,
    refreshToken: tokens.refreshToken ?? known.refreshToken,
    scope: tokens.scope ?? known.scope,
    expiresAtMs: tokens.expiresInSec === undefined ? undefined : nowMs + toMs(tokens.expiresInSec),
    obtainedAtMs: nowMs,
  };
}

/** Longer is as good as endless, and more than a database or a `Date` can hold. */
const longestLifeSec = 10 * 365 * 86_400;

/** Whole milliseconds: a time that a database refuses would cost the pair it belongs to. */
function toMs(seconds: number): number {
  return Math.round(Math.min(seconds, longestLifeSec) * 1000);
}

/** The error that a caller sees for an outcome without tokens. */
export function toError(outcome: Exclude<TokenOutcome, { kind: 'granted' }>): KeyshiftError {
  switch (outcome.kind) {
    case 'grant_rejected':
    case 'request_rejected':
      return new KeyshiftError('refresh_token_rejected', describeRejection(outcome));
    case 'client_rejected':
      return new KeyshiftError('client_rejected', describeRejection(outcome));
    case 'transient': {
      const { retryAfterSec } = outcome;
      return new KeyshiftError(
        codeOf(outcome),
        `The token endpoint gave no verdict: ${outcome.reason}.`,
        retryAfterSec === undefined ? {} : { retryAfterSec },
      );
    }
    default:
      return outcome satisfies never;
  }
}

/**
 * The same for a grant that is stored. A refusal that names no reason in the grant proves nothing
 * against it, so that no customer is asked to consent again.
 */
export function toInconclusiveError(outcome: FailedOutcome): KeyshiftError {
  const error = toError(outcome);
  return outcome.kind === 'request_rejected'
    ? new KeyshiftError('upstream_unreadable', error.message)
    : error;
}

function codeOf(outcome: Extract<TokenOutcome, { kind: 'transient' }>) {
  if (outcome.timedOut) return 'upstream_timeout';
  return outcome.answered ? upstreamCode(outcome.status) : 'upstream_unreachable';
}

function describeRejection(outcome: { error: string; description: string }): string {
  return `Klaviyo answered ${outcome.error}${outcome.description && `: ${outcome.description}`}`;
}

/** What to write on the row of a grant whose refresh gave neither tokens nor a verdict. */
export function toRefreshFailure(
  grant: Grant,
  outcome: FailedOutcome,
  error: KeyshiftError,
  options: { readonly clock: Clock; readonly random: Random; readonly budgets: RefreshBudgets },
): RefreshFailure {
  const { clock, random, budgets } = options;
  const atMs = clock.now();
  const failures = (grant.failure?.count ?? 0) + 1;
  const retryAfterSec = outcome.kind === 'transient' ? outcome.retryAfterSec : error.retryAfterSec;
  // After a timeout the provider may still be at work on the token: whoever spends it again
  // meanwhile could end the pair that it is about to give out.
  const pauseMs =
    outcome.kind === 'transient' && outcome.timedOut
      ? budgets.leaseMs
      : backOffMs(failures - 1, retryAfterSec, random);
  const { code, message } = error;
  return { code, message, atMs, retryAtMs: atMs + pauseMs, count: failures };
}

/** The classes in which refreshes are counted. */
export const refreshOutcomes = [
  'refreshed',
  'recovered',
  'late',
  'lost',
  'client_rejected',
  'request_rejected',
  'transient',
  'superseded',
] as const;
export type RefreshOutcome = (typeof refreshOutcomes)[number];

/** Counts refreshes by how they ended, for metrics. */
export interface OutcomeCounters {
  add(outcome: RefreshOutcome): void;
  read(): Readonly<Record<RefreshOutcome, number>>;
}

/** Creates counters at zero. */
export function createOutcomeCounters(): OutcomeCounters {
  const counts = Object.fromEntries(refreshOutcomes.map((outcome) => [outcome, 0])) as Record<
    RefreshOutcome,
    number
  >;
  return {
    add: (outcome) => {
      counts[outcome] += 1;
    },
    read: () => ({ ...counts }),
  };
}
