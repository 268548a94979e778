import type { Secret } from '../runtime/secret.ts';

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
