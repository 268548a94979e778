import { KeyshiftError } from '../errors/keyshift-error.ts';
import { parseAccountsReply, type KlaviyoAccount } from '../klaviyo/account.ts';
import { parseApiError, refusesCredential } from '../klaviyo/api-error.ts';
import { upstreamCode } from '../klaviyo/upstream-code.ts';
import type { Clock } from '../runtime/clock.ts';
import type { HttpReply } from '../runtime/http-client.ts';
import { parseRetryAfterSec } from '../runtime/retry-after.ts';
import { createAsk, type AskOptions } from './ask.ts';
import { grantSource, secretSource } from './credential-source.ts';
import type { ApiCredential, Credentials } from './credentials.ts';
import type { CredentialSource } from './driver.ts';

/** What `GET /api/accounts` says about a credential. */
export type AccountLookup =
  | { readonly kind: 'found'; readonly account: KlaviyoAccount }
  /** Klaviyo does not know the credential. */
  | { readonly kind: 'rejected' }
  /** The credential is alive and lacks a scope, so its account cannot be read. */
  | { readonly kind: 'forbidden'; readonly missingScopes: readonly string[] };

/** What {@link createAccountLookup} works with. */
export interface AccountLookupOptions extends AskOptions {
  readonly revision: string;
  /** Milliseconds for one attempt; 10,000 by default. */
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

/**
 * Asks Klaviyo which account a grant belongs to, whatever the route of its connections. A token
 * that Klaviyo refuses is renewed once.
 *
 * @throws KeyshiftError `grant_not_found`, `grant_lost`, `token_refused`, `client_rejected`,
 * `upstream_*`
 */
export type LookUpGrant = (accountId: string, signal?: AbortSignal) => Promise<AccountLookup>;

/**
 * Creates the lookup. `/api/accounts` allows one call a second and 15 a minute per account, so
 * that several keys of one account may be throttled: `Retry-After` is obeyed.
 *
 * @throws KeyshiftError `upstream_*` when Klaviyo gave no verdict within the attempts
 * @example
 * ```ts
 * const lookUpAccount = createAccountLookup({ http, clock, random, apiUrl, revision });
 * const result = await lookUpAccount(key);
 * if (result.kind === 'found') console.log(result.account.accountId);
 * ```
 */
export function createAccountLookup(options: AccountLookupOptions): LookUpAccount {
  const lookUp = createLookup(options);
  return (credential, signal) => lookUp(secretSource(credential), signal);
}

/** Creates the lookup of {@link createAccountLookup} for grants. */
export function createGrantLookup(
  options: AccountLookupOptions & { readonly credentials: Credentials },
): LookUpGrant {
  const lookUp = createLookup(options);
  return (accountId, signal) => lookUp(grantSource(options.credentials, accountId), signal);
}

function createLookup(options: AccountLookupOptions) {
  const { clock, revision, deadlineMs = 10_000, attempts = 5, maxPauseSec = 60 } = options;
  const ask = createAsk(options);
  const question = {
    path: '/api/accounts',
    headers: ['accept', 'application/vnd.api+json', 'revision', revision],
    ...{ deadlineMs, attempts, firstPauseMs: 1_000, longestPauseMs: maxPauseSec * 1000 },
  };
  return async (source: CredentialSource, signal: AbortSignal | undefined) =>
    readLookup(await ask(source, { ...question, signal }), clock);
}

function readLookup({ status, headers, body }: HttpReply, clock: Clock): AccountLookup {
  if (status === 200) {
    const account = parseAccountsReply(body);
    if (account) return { kind: 'found', account };
    throw new KeyshiftError('upstream_unreadable', '/api/accounts did not name one account.');
  }
  const error = parseApiError(body);
  if (refusesCredential(status, error)) return { kind: 'rejected' };
  // An HTML 403 is the edge speaking, not a verdict on scopes.
  if (status === 403 && error) return { kind: 'forbidden', missingScopes: error.missingScopes };
  const retryAfterSec = parseRetryAfterSec(headers['retry-after'], clock.now());
  throw new KeyshiftError(
    upstreamCode(status),
    `/api/accounts answered ${status}.`,
    retryAfterSec === undefined ? {} : { retryAfterSec },
  );
}
