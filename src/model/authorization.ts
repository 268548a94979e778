import type { Secret } from '../runtime/secret.ts';

/** What is kept of an attempt to authorize once it came back, so that none comes back twice. */
export interface AuthorizationRecord {
  /** SHA-256 of the state, base64url; the state itself is never stored. */
  readonly stateHash: string;
  /** Set when the attempt began on an invitation's page. */
  readonly invitationId: string | undefined;
  /** Set when the attempt is bound to a customer of the integrator. */
  readonly customerId: string | undefined;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly consumedAtMs: number | undefined;
  /** What its browser was shown in the end, as text; absent while it is being completed. */
  readonly result: string | undefined;
}

/** One attempt of a browser to authorize: minutes, single use. */
export interface Authorization extends AuthorizationRecord {
  readonly codeVerifier: Secret<'code_verifier'>;
  readonly redirectUri: string;
  /** The scopes asked for, space separated. */
  readonly scope: string;
}
