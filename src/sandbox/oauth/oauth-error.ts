import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { answerJson } from '../http/answers.ts';
import type { SandboxCall } from '../http/sandbox-env.ts';

/** Error codes of the token and revocation endpoints (RFC 6749 section 5.2). */
export type OAuthErrorCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  // Not of the RFC; on Klaviyo's troubleshooting page.
  | 'invalid_grant_type'
  | 'unsupported_grant_type'
  // Not of the RFC: how a refused refresh looks is assumed.
  | 'throttled';

/**
 * An error answer of the token or revocation endpoint: `{"error","error_description"}`, not
 * JSON:API. Texts are those of the Authlib server library (inferred).
 */
export function oauthError(
  c: SandboxCall,
  error: OAuthErrorCode,
  description: string,
  status: ContentfulStatusCode = 400,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return answerJson(c, { error, error_description: description }, status, headers);
}

/** The answer to wrong or absent client credentials. */
export function invalidClient(c: SandboxCall): Response {
  const description = "The client cannot authenticate with methods: ['client_secret_basic']";
  return oauthError(c, 'invalid_client', description, 401, {
    'www-authenticate': `Basic error="invalid_client", error_description="${description}"`,
  });
}

/** The answer to any method but POST. */
export function postOnly(c: SandboxCall): Response {
  return oauthError(c, 'invalid_request', 'Only POST is supported.', 405, { allow: 'POST' });
}
