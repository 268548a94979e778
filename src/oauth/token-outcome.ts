import { z } from 'zod';
import type { HttpReply } from '../runtime/http-client.ts';
import { parseRetryAfterSec } from '../runtime/retry-after.ts';
import { Secret } from '../runtime/secret.ts';

/** A complete, well-typed token answer. */
export interface GrantedTokens {
  readonly accessToken: Secret<'access_token'>;
  /** Absent when the answer omits it: the one in use stays valid (RFC 6749 section 6). */
  readonly refreshToken: Secret<'refresh_token'> | undefined;
  /** Lifetime of the access token in seconds; absent when the answer does not say. */
  readonly expiresInSec: number | undefined;
  /** Granted scopes; absent when they are the ones asked for (RFC 6749 section 5.1). */
  readonly scope: string | undefined;
}

/**
 * What a reply of the token endpoint means. Only `granted` carries tokens; only `grant_rejected`
 * speaks about the customer; `client_rejected` speaks about the operator's credentials; anything
 * that is not certain is `transient`.
 */
export type TokenOutcome =
  | { readonly kind: 'granted'; readonly tokens: GrantedTokens }
  | { readonly kind: 'grant_rejected'; readonly error: string; readonly description: string }
  | { readonly kind: 'client_rejected'; readonly error: string; readonly description: string }
  | { readonly kind: 'request_rejected'; readonly error: string; readonly description: string }
  | {
      readonly kind: 'transient';
      readonly status: number;
      readonly reason: string;
      readonly retryAfterSec: number | undefined;
      /** Whether a reply came at all. */
      readonly answered: boolean;
      /** Whether the deadline passed: the endpoint may still be at work on the request. */
      readonly timedOut: boolean;
    };

const expiresIn = z
  .union([
    z.number(),
    z
      .string()
      .regex(/^\d+(\.\d+)?$/)
      .transform(Number),
  ])
  .refine((seconds) => Number.isFinite(seconds) && seconds > 0);

/** What fits behind `Bearer ` (RFC 6750 section 2.1 allows less): no other token can be used. */
const sendable = z.string().regex(/^[\x21-\x7e]+$/);

const tokenReply = z.object({
  access_token: sendable,
  token_type: z
    .string()
    .regex(/^bearer$/i)
    .optional(),
  refresh_token: z.string().min(1).nullish(),
  expires_in: expiresIn.nullish().catch(undefined),
  scope: z.string().nullish().catch(undefined),
});

const errorReply = z.object({
  error: z.string().min(1),
  error_description: z.string().nullish().catch(undefined),
});

const grantErrors = new Set(['invalid_grant', 'invalid_grant_type']);
const clientErrors = new Set(['invalid_client', 'unauthorized_client']);

/**
 * Reads a reply of the token endpoint (RFC 6749 sections 5.1 and 5.2; Klaviyo's
 * `invalid_grant_type` counts as `invalid_grant`).
 *
 * An answer that is not a complete token answer never becomes `granted`, whatever its status, so
 * that it can never replace a stored pair. An error code counts only with 400 or 401: the same
 * text behind another status is a proxy's or an outage's, not a verdict.
 *
 * @param sent secrets that the reply may repeat and nobody should read
 * @example
 * ```ts
 * const outcome = readTokenReply(reply, clock.now());
 * if (outcome.kind === 'granted') save(outcome.tokens);
 * ```
 */
export function readTokenReply(
  reply: HttpReply,
  nowMs: number,
  sent: readonly string[] = [],
): TokenOutcome {
  const { status } = reply;
  const retryAfterSec = parseRetryAfterSec(reply.headers['retry-after'], nowMs);
  const transient = (reason: string): TokenOutcome => ({
    kind: 'transient',
    status,
    reason,
    retryAfterSec,
    answered: true,
    timedOut: false,
  });
  const json = parseJson(reply.body);
  if (status === 200) {
    const parsed = tokenReply.safeParse(json);
    return parsed.success
      ? { kind: 'granted', tokens: toTokens(parsed.data) }
      : transient('incomplete token answer');
  }
  if (status === 400 || status === 401) {
    const parsed = errorReply.safeParse(json);
    if (!parsed.success) return transient(`${status} without an OAuth error`);
    const { error, error_description: text } = parsed.data;
    const rejection = {
      error: toShownText(error, sent).slice(0, 64),
      description: toShownText(text ?? '', sent).slice(0, 200),
    };
    if (grantErrors.has(error)) return { kind: 'grant_rejected', ...rejection };
    if (clientErrors.has(error)) return { kind: 'client_rejected', ...rejection };
    return { kind: 'request_rejected', ...rejection };
  }
  return transient(`status ${status}`);
}

function toTokens(reply: z.infer<typeof tokenReply>): GrantedTokens {
  return {
    accessToken: new Secret('access_token', reply.access_token),
    refreshToken:
      typeof reply.refresh_token === 'string'
        ? new Secret('refresh_token', reply.refresh_token)
        : undefined,
    expiresInSec: reply.expires_in ?? undefined,
    scope: reply.scope ?? undefined,
  };
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** An error text is Klaviyo's own: it may hold anything, also what it complains about. */
function toShownText(text: string, sent: readonly string[]): string {
  return sent
    .filter((secret) => secret !== '')
    .reduce((shown, secret) => shown.replaceAll(secret, '[hidden]'), text)
    .replace(/[^\x20-\x7e]/g, ' ');
}
