import type { ErrorCode } from '../errors/error-table.ts';
import type { Secret } from '../runtime/secret.ts';

/** `active` serves traffic; `lost` and `revoked` need consent; `set_aside` was consented to by the wrong account and serves nothing. */
export type GrantState = 'active' | 'lost' | 'revoked' | 'set_aside';

/** A complete answer of the token endpoint, as it is saved. */
export interface TokenPair {
  readonly accessToken: Secret<'access_token'>;
  readonly refreshToken: Secret<'refresh_token'>;
  /** Granted scopes, space separated, as Klaviyo said; what was asked for when it did not say. */
  readonly scope: string;
  /** When the access token expires; absent when Klaviyo did not say. */
  readonly expiresAtMs: number | undefined;
  /** When the pair was obtained, by consent or refresh. */
  readonly obtainedAtMs: number;
}

/** What one consent gave, with the pair that the token engine keeps alive. */
export interface Grant extends TokenPair {
  readonly id: string;
  readonly clientId: string;
  readonly accountId: string;
  readonly state: GrantState;
  /** The last refresh token that differed from this one, kept for recovery after a crash. */
  readonly previousRefreshToken: Secret<'refresh_token'> | undefined;
  /** When the account last consented. */
  readonly consentedAtMs: number;
  /** Grows with every saved pair; the fence for late writers. */
  readonly generation: number;
  /** How the last refresh failed, until one succeeds. */
  readonly failure?: RefreshFailure | undefined;
}

/** Why a refresh gave no tokens, for everyone who waited for it and for who comes before its time. */
export interface RefreshFailure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly atMs: number;
  /** Nobody tries again before. */
  readonly retryAtMs: number;
  /** Failures in a row. */
  readonly count: number;
}

/** Who may spend the refresh token of a grant, and what the last one came to. */
export interface GrantLease {
  readonly state: GrantState;
  readonly generation: number;
  readonly owner: string | undefined;
  readonly expiresAtMs: number;
  readonly failure: RefreshFailure | undefined;
}

/** How long before its end a token is renewed by who needs it; for short lives, a fifth of them. */
const renewAheadMs = 120_000;
/** How long before its end it is renewed although nobody asks for it. */
const sweepAheadMs = 600_000;
const shareOfLifetime = 0.2;
/** A token with less than this left, or than a tenth of its life, may die on its way to Klaviyo. */
const transitMs = 5_000;
const shareInTransit = 0.1;
/** How long a grant is left alone at most. */
const untouchedMs = 20 * 3_600_000;

/** What the freshness of a token depends on. */
type Lifetime = Pick<TokenPair, 'expiresAtMs' | 'obtainedAtMs'>;

/**
 * Whether an access token is given out without a thought of refreshing: two minutes before its
 * end it is not, and earlier for tokens that live for minutes only. A token whose end Klaviyo did
 * not tell is fresh until a 401 says otherwise.
 */
export function isFresh({ expiresAtMs, obtainedAtMs }: Lifetime, nowMs: number): boolean {
  if (expiresAtMs === undefined) return true;
  const aheadMs = Math.min(renewAheadMs, (expiresAtMs - obtainedAtMs) * shareOfLifetime);
  return nowMs < expiresAtMs - aheadMs;
}

/** Whether an access token can still be given out while a refresh is on its way. */
export function isUsable({ expiresAtMs, obtainedAtMs }: Lifetime, nowMs: number): boolean {
  if (expiresAtMs === undefined) return true;
  const onItsWayMs = Math.min(transitMs, (expiresAtMs - obtainedAtMs) * shareInTransit);
  return nowMs < expiresAtMs - onItsWayMs;
}

/**
 * When a grant should be refreshed although nobody asks for it: ten minutes before its access
 * token ends (earlier shares of a short life), and within a day in any case. The daily touch keeps
 * Klaviyo's 90 days of idleness away, and finds an uninstall, of which Klaviyo tells nobody.
 */
export function whenDueMs({ expiresAtMs, obtainedAtMs }: Lifetime): number {
  const untilMs = obtainedAtMs + untouchedMs;
  if (expiresAtMs === undefined) return untilMs;
  const lifetimeMs = Math.max(0, expiresAtMs - obtainedAtMs);
  const aheadMs = Math.min(sweepAheadMs, Math.round(lifetimeMs * shareOfLifetime));
  return Math.min(untilMs, expiresAtMs - aheadMs);
}
