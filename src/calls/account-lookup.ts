import { parseAccountsReply, type KlaviyoAccount } from '../klaviyo/account.ts';
import { parseApiError, refusesCredential } from '../klaviyo/api-error.ts';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { Clock } from '../runtime/clock.ts';
import type { HttpClient } from '../runtime/http-client.ts';
import type { HttpReply } from '../runtime/whole-reply.ts';
import { parseRetryAfterSec } from '../runtime/retry-after.ts';
import type { Secret } from '../runtime/secret.ts';

/** A credential of either kind, as it goes into `Authorization`. */
export type ApiCredential = Secret<'private_key'> | Secret<'access_token'>;

/** What `GET /api/accounts` says about a credential. */
export type AccountLookup =
  | { readonly kind: 'found'; readonly account: KlaviyoAccount }
  /** Klaviyo does not know the credential. */
  | { readonly kind: 'rejected' }
  /** The credential is alive and lacks a scope, so its account cannot be read. */
  | { readonly kind: 'forbidden'; readonly missingScopes: readonly string[] };

/** What {@link createAccountLookup} works with. */
export interface AccountLookupOptions {
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly apiUrl: string;
  readonly revision: string;
  /** Milliseconds for one call; 10,000 by default. */
  readonly deadlineMs?: number;
  /** Attempts in all when Klaviyo throttles or fails; 5 by default. */
  readonly attempts?: number;
  /** Longest pause before another attempt; a longer `Retry-After` ends the lookup. 60 by default. */
  readonly maxPauseSec?: number;
}

/** Asks Klaviyo which account a credential belongs to. */
export type LookUpAccount = (
  credential: ApiCredential,
  signal?: AbortSignal,
) => Promise<AccountLookup>;

/** `Authorization` for a credential: a private key or a bearer token. */
export function authorizationHeader(credential: ApiCredential): string {
  const scheme = credential.kind === 'private_key' ? 'Klaviyo-API-Key' : 'Bearer';
  return `${scheme} ${credential.reveal()}`;
}

/**
 * Creates the lookup. `/api/accounts` allows one call a second and 15 a minute per account, so
 * that several keys of one account may be throttled: `Retry-After` is obeyed.
 *
 * @throws KeyshiftError `upstream_*` when Klaviyo gave no verdict within the attempts
 * @example
 * ```ts
 * const lookUpAccount = createAccountLookup({ http, clock, apiUrl, revision });
 * const result = await lookUpAccount(key);
 * if (result.kind === 'found') console.log(result.account.accountId);
 * ```
 */
export function createAccountLookup(options: AccountLookupOptions): LookUpAccount {
  const { http, clock, apiUrl, revision } = options;
  const attempts = options.attempts ?? 5;
  const maxPauseSec = options.maxPauseSec ?? 60;

  function send(credential: ApiCredential, signal?: AbortSignal): Promise<HttpReply> {
    return http.send({
      method: 'GET',
      url: `${apiUrl}/api/accounts`,
      headers: {
        accept: 'application/vnd.api+json',
        authorization: authorizationHeader(credential),
        revision,
      },
      deadlineMs: options.deadlineMs ?? 10_000,
      ...(signal ? { signal } : {}),
    });
  }

  return async (credential, signal) => {
    for (let attempt = 1; ; attempt += 1) {
      const result = await send(credential, signal).then(
        (reply) => readLookup(reply, clock.now()),
        (error: unknown) => {
          if (error instanceof KeyshiftError) return error;
          throw error;
        },
      );
      if (!(result instanceof KeyshiftError)) return result;
      const pauseSec = result.retryAfterSec ?? 2 ** (attempt - 1);
      // Nobody listening is no outage to sit out: the address or the network is wrong.
      const unreachable = result.code === 'upstream_unreachable' && attempt >= 2;
      const final = unreachable || result.code === 'upstream_unreadable' || pauseSec > maxPauseSec;
      if (final || attempt >= attempts) throw result;
      await clock.sleep(pauseSec * 1000, signal);
    }
  };
}

function readLookup(reply: HttpReply, nowMs: number): AccountLookup | KeyshiftError {
  const { status, headers, body } = reply;
  if (status === 200) {
    const account = parseAccountsReply(body);
    if (account) return { kind: 'found', account };
    return new KeyshiftError('upstream_unreadable', '/api/accounts did not name one account.');
  }
  const error = parseApiError(body);
  if (refusesCredential(status, error)) return { kind: 'rejected' };
  // An HTML 403 is the edge speaking, not a verdict on scopes.
  if (status === 403 && error) return { kind: 'forbidden', missingScopes: error.missingScopes };
  const retryAfterSec = parseRetryAfterSec(headers['retry-after'], nowMs);
  return new KeyshiftError(
    codeForStatus(status, error !== undefined),
    `/api/accounts answered ${status}.`,
    retryAfterSec === undefined ? {} : { retryAfterSec },
  );
}

function codeForStatus(status: number, fromApi: boolean) {
  if (status === 429) return 'upstream_throttled';
  // The edge's pages and every 5xx pass; the API's own 4xx stays however often one asks.
  return !fromApi || status >= 500 || status === 408 || status === 425
    ? 'upstream_unavailable'
    : 'upstream_unreadable';
}
