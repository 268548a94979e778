import { createHash } from 'node:crypto';
import type { OAuthErrorCode } from './oauth-error.ts';

const unreserved = /^[a-zA-Z0-9\-._~]{43,128}$/;

/** Whether a code challenge can be one of method S256 (RFC 7636 section 4.2). */
export function isCodeChallenge(value: string): boolean {
  return unreserved.test(value);
}

/** Why the verifier of a code exchange is refused, or `undefined` when it fits. */
export function refuseCodeVerifier(
  verifier: string | null,
  challenge: string,
): readonly [OAuthErrorCode, description: string] | undefined {
  if (!verifier) return ['invalid_request', 'Missing "code_verifier"'];
  if (!unreserved.test(verifier)) return ['invalid_request', 'Invalid "code_verifier"'];
  const computed = createHash('sha256').update(verifier).digest('base64url');
  return computed === challenge ? undefined : ['invalid_grant', 'Code challenge failed.'];
}
