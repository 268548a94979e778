import type { ErrorCode } from '../errors/error-table.ts';
import type { Secret } from '../runtime/secret.ts';

/** How far a connection has come, in the order of the journey; `attention` may follow any. */
export const stages = [
  'imported',
  'checked',
  'invited',
  'opened',
  'authorized',
  'verified',
  'canary',
  'live',
  'quiet',
  'retired',
  'attention',
] as const;
export type Stage = (typeof stages)[number];

/** Why a connection needs a person. */
export const attentionReasons = [
  'key_invalid',
  'account_mismatch',
  'scope_missing',
  'consent_denied',
  'invitation_expired',
  'grant_lost',
  'oauth_errors',
] as const;
export type AttentionReason = (typeof attentionReasons)[number];

/** Which credential a connection's traffic uses. */
export type Route = 'key' | 'canary' | 'oauth';

/** One customer's link to one Klaviyo account, holding a private key, a grant, or both. */
export interface Connection {
  readonly id: string;
  /** The integrator's own id of its customer; unique. */
  readonly customerId: string;
  /** Klaviyo's 6-character public id; absent until the key check or the consent tells it. */
  readonly accountId: string | undefined;
  readonly accountName: string | undefined;
  readonly email: string | undefined;
  /** What the integrator calls the customer. */
  readonly name: string | undefined;
  readonly stage: Stage;
  /** Set while `stage` is `attention`. */
  readonly attentionReason: AttentionReason | undefined;
  /** The stage the connection was at before `attention`. */
  readonly attentionFrom: Stage | undefined;
  readonly route: Route;
  /** When traffic moved to OAuth; start of the quiet days. */
  readonly liveSinceMs: number | undefined;
  /** Share of calls that go by OAuth while `route` is `canary`, 0 to 100; absent means none. */
  readonly canaryPercent: number | undefined;
  /** Share of reads sent by key that are repeated by OAuth and compared, 0 to 100; absent means none. */
  readonly shadowPercent: number | undefined;
  /** Since when calls by OAuth are watched: the canary, the cutover, or the end of a hold. */
  readonly watchedSinceMs: number | undefined;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  /** Grows with every write; the fence of {@link ConnectionStore.update}. */
  readonly version: number;
}

/** Columns of a connection that may change. `undefined` clears a column, absence keeps it. */
export type ConnectionPatch = Partial<{
  [
    Field in
      | 'accountId'
      | 'accountName'
      | 'email'
      | 'name'
      | 'stage'
      | 'attentionReason'
      | 'attentionFrom'
      | 'route'
      | 'liveSinceMs'
      | 'canaryPercent'
      | 'shadowPercent'
      | 'watchedSinceMs'
  ]: Connection[Field];
}>;

/** What is known about a stored private key without opening it. */
export interface PrivateKeyInfo {
  readonly connectionId: string;
  /** False once the sealed key is destroyed; its blind index stays, as the caller's name. */
  readonly present: boolean;
  readonly createdAtMs: number;
  readonly lastUsedAtMs: number | undefined;
  readonly destroyedAtMs: number | undefined;
}

/** `active` serves traffic; `lost` and `revoked` need consent; `set_aside` was consented to by the wrong account and serves nothing. */
export type GrantState = 'active' | 'lost' | 'revoked' | 'set_aside';

/** What one consent gave, kept alive by the token engine. */
export interface Grant {
  readonly id: string;
  readonly clientId: string;
  readonly accountId: string;
  readonly state: GrantState;
  readonly accessToken: Secret<'access_token'>;
  readonly refreshToken: Secret<'refresh_token'>;
  /** The last refresh token that differed from this one, kept for recovery after a crash. */
  readonly previousRefreshToken: Secret<'refresh_token'> | undefined;
  /** Granted scopes, space separated, as Klaviyo said; what was asked for when it did not say. */
  readonly scope: string;
  /** When the access token expires; absent when Klaviyo did not say. */
  readonly expiresAtMs: number | undefined;
  /** When the current pair was obtained, by consent or refresh. */
  readonly obtainedAtMs: number;
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

/** A complete answer of the token endpoint, ready to be saved. */
export interface TokenPair {
  readonly accessToken: Secret<'access_token'>;
  readonly refreshToken: Secret<'refresh_token'>;
  readonly scope: string;
  readonly expiresAtMs: number | undefined;
  readonly obtainedAtMs: number;
}

/** One attempt of a browser to authorize: minutes, single use. */
export interface Authorization {
  /** SHA-256 of the state, base64url; the state itself is never stored. */
  readonly stateHash: string;
  /** SHA-256 of the nonce in the browser's cookie, base64url. */
  readonly nonceHash: string;
  readonly codeVerifier: Secret<'code_verifier'>;
  readonly redirectUri: string;
  /** The scopes asked for, space separated. */
  readonly scope: string;
  /** Set when the attempt began on an invitation's page. */
  readonly invitationId: string | undefined;
  /** Set when the attempt is bound to a customer of the integrator. */
  readonly customerId: string | undefined;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly consumedAtMs: number | undefined;
}

/** A durable link asking a customer to consent; it survives clicks and ends with success. */
export interface Invitation {
  readonly id: string;
  readonly connectionId: string;
  /** SHA-256 of the link's token, base64url; the token itself is never stored. */
  readonly tokenHash: string;
  /** The round of invitations that it belongs to, where rounds have names. */
  readonly wave?: string | undefined;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly openedAtMs: number | undefined;
  readonly consumedAtMs: number | undefined;
  readonly revokedAtMs: number | undefined;
}

/** One line of the audit log. Never holds a secret. */
export interface AuditEvent {
  readonly atMs: number;
  /** Who did it: `cli`, `customer`, `system`, `service:<name>`, `console`. */
  readonly actor: string;
  /** What happened, as `noun.verb`: `connection.stage`, `grant.refreshed`. */
  readonly action: string;
  readonly connectionId: string | undefined;
  readonly fromStage: Stage | undefined;
  readonly toStage: Stage | undefined;
  readonly reason: string | undefined;
}

/** An event as it stands in the log, with its links. */
export interface AuditEntry extends AuditEvent {
  /** Its place in the log, growing by one. */
  readonly seq: number;
  /** The hash of the entry before it; absent in an entry that Keyshift did not write. */
  readonly previousHash: string | undefined;
  readonly hash: string | undefined;
}

/** The recorded end of the audit log. */
export interface AuditHead {
  readonly seq: number;
  readonly hash: string;
  /** When the chain began. */
  readonly beganAtMs: number;
  /** Events that were there before, and were chained as they were found. */
  readonly earlierEvents: number;
}

/**
 * How the log differs from what Keyshift wrote.
 * - `changed`: the content of `seq` is not what was written.
 * - `removed`: the entries from `seq` to `lastSeq` are gone.
 * - `inserted`: Keyshift did not write `seq`.
 * - `moved`: `seq` was written as `writtenAs`.
 * - `truncated`: the end is gone, from `seq` to `lastSeq`.
 * - `head`: the recorded end was altered or is missing; entries behind `seq` may be gone.
 */
export type AuditBreak =
  | { readonly kind: 'changed' | 'inserted' | 'head'; readonly seq: number }
  | { readonly kind: 'removed' | 'truncated'; readonly seq: number; readonly lastSeq: number }
  | { readonly kind: 'moved'; readonly seq: number; readonly writtenAs: number };

/** What a walk along the audit log found. */
export interface AuditVerdict {
  /** Entries that were read. */
  readonly entries: number;
  /** Absent when none is recorded. */
  readonly head: AuditHead | undefined;
  /** In order; the first thousand at most. */
  readonly breaks: readonly AuditBreak[];
  /** Every break, those beyond the first thousand included. */
  readonly breakCount: number;
}
