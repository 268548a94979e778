import { createHash } from 'node:crypto';
import type { Reply } from '../http/reply.ts';
import { oauthError } from './oauth-error.ts';

const unreserved = /^[a-zA-Z0-9\-._~]{43,128}$/;

/** Whether a code challenge can be one of method S256 (RFC 7636 section 4.2). */
export function isCodeChallenge(value: string): boolean {
  return unreserved.test(value);
}

/** Checks the verifier of a code exchange; answers the refusal, if any. */
export function refuseCodeVerifier(verifier: string | null, challenge: string): Reply | undefined {
  if (!verifier) return oauthError('invalid_request', 'Missing "code_verifier"');
  if (!unreserved.test(verifier)) return oauthError('invalid_request', 'Invalid "code_verifier"');
  const computed = createHash('sha256').update(verifier).digest('base64url');
  return computed === challenge ? undefined : oauthError('invalid_grant', 'Code challenge failed.');
}
