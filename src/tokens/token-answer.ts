import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { GrantedTokens, TokenOutcome } from '../oauth/token-outcome.ts';
import type { TokenPair } from '../model/grant.ts';

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

function codeOf(outcome: Extract<TokenOutcome, { kind: 'transient' }>) {
  // A gateway's 502 and 504 say of Klaviyo what a missing answer says.
  if (outcome.timedOut || outcome.status === 504) return 'upstream_timeout';
  if (!outcome.answered || outcome.status === 502) return 'upstream_unreachable';
  if (outcome.status === 429) return 'upstream_throttled';
  return outcome.status === 503 ? 'upstream_unavailable' : 'upstream_unreadable';
}

function describeRejection(outcome: { error: string; description: string }): string {
  return `Klaviyo answered ${outcome.error}${outcome.description && `: ${outcome.description}`}`;
}
