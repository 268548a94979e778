import { jsonReply, type Reply } from '../http/reply.ts';

/** Error codes of the token and revocation endpoints (RFC 6749 section 5.2). */
export type OAuthErrorCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  // Not of the RFC; on Klaviyo's troubleshooting page.
  | 'invalid_grant_type'
  | 'unsupported_grant_type';

/**
 * An error answer of the token or revocation endpoint: `{"error","error_description"}`, not
 * JSON:API. Texts are those of the Authlib server library (inferred).
 */
export function oauthError(error: OAuthErrorCode, description: string, status = 400): Reply {
  return jsonReply(status, { error, error_description: description });
}

/** The answer to wrong or absent client credentials. */
export function invalidClient(): Reply {
  const description = "The client cannot authenticate with methods: ['client_secret_basic']";
  const reply = oauthError('invalid_client', description, 401);
  const challenge = `Basic error="invalid_client", error_description="${description}"`;
  return { ...reply, headers: { ...reply.headers, 'www-authenticate': challenge } };
}

/** The answer to any method but POST. */
export function postOnly(): Reply {
  const reply = oauthError('invalid_request', 'Only POST is supported.', 405);
  return { ...reply, headers: { ...reply.headers, allow: 'POST' } };
}
