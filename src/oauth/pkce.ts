import { createHash } from 'node:crypto';
import type { Secret } from '../runtime/secret.ts';

/** The code challenge of a verifier (RFC 7636, method S256): what may pass through a browser. */
export function codeChallengeOf(codeVerifier: Secret<'code_verifier'>): string {
  return createHash('sha256').update(codeVerifier.reveal()).digest('base64url');
}
