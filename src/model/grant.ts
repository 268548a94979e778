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
