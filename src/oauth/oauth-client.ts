import * as oauth from 'oauth4webapi';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import { upstreamCode } from '../klaviyo/upstream-code.ts';
import type { Clock } from '../runtime/clock.ts';
import type { HttpClient } from '../runtime/http-client.ts';
import { parseRetryAfterSec } from '../runtime/retry-after.ts';
import type { Secret } from '../runtime/secret.ts';
import { validateCallback } from './callback.ts';
import { createTokenCaller } from './token-caller.ts';
import type { TokenOutcome } from './token-outcome.ts';

/** The app as registered at Klaviyo, and where Klaviyo's endpoints are. */
export interface OAuthClientOptions {
  readonly clientId: string;
  readonly clientSecret: Secret<'client_secret'>;
  /** Tried when Klaviyo refuses the first, as while a secret is being regenerated. */
  readonly previousClientSecret?: Secret<'client_secret'> | undefined;
  readonly authorizeUrl: string;
  readonly tokenUrl: string;
  readonly revokeUrl: string;
  readonly http: HttpClient;
  readonly clock: Clock;
  /** Milliseconds for one refresh, which nobody may be looking at; 20,000 by default. */
  readonly refreshDeadlineMs?: number;
  /** Milliseconds for an exchange or a revocation, where a person waits; 15,000 by default. */
  readonly deadlineMs?: number;
}

/** What an authorization request asks for. */
export interface AuthorizationRequest {
  readonly redirectUri: string;
  /** Space separated. */
  readonly scope: string;
  readonly state: string;
  readonly codeChallenge: string;
}

/** What is needed to exchange a code. */
export interface CodeExchange {
  /** The query of the callback, as it arrived. */
  readonly query: URLSearchParams;
  readonly state: string;
  readonly redirectUri: string;
  readonly codeVerifier: Secret<'code_verifier'>;
}

/** The OAuth 2.0 client of one app: requests out, outcomes back. Stores nothing. */
export interface OAuthClient {
  readonly clientId: string;
  /** The URL that a browser is sent to (RFC 6749 section 4.1.1 with RFC 7636). */
  authorizationUrl(request: AuthorizationRequest): string;
  /**
   * Exchanges the code of a callback whose state was found valid.
   *
   * @throws KeyshiftError `authorization_denied`, `authorization_failed` or `code_missing` for
   * what the callback says, before anything is sent
   */
  exchangeCode(exchange: CodeExchange): Promise<TokenOutcome>;
  /** Spends a refresh token. Never throws for what the endpoint answers, or fails to answer. */
  refresh(refreshToken: Secret<'refresh_token'>): Promise<TokenOutcome>;
  /** Revokes by refresh token (RFC 7009). At Klaviyo this uninstalls the app in that account. */
  revoke(refreshToken: Secret<'refresh_token'>): Promise<void>;
}

/**
 * Creates the OAuth client of one app.
 *
 * @example
 * ```ts
 * const client = createOAuthClient({ clientId, clientSecret, ...klaviyoEndpoints, http, clock });
 * const outcome = await client.refresh(grant.refreshToken);
 * ```
 */
export function createOAuthClient(options: OAuthClientOptions): OAuthClient {
  const { clientId } = options;
  const authorizeUrl = new URL(options.authorizeUrl);
  const server: oauth.AuthorizationServer = {
    issuer: authorizeUrl.origin,
    token_endpoint: options.tokenUrl,
    revocation_endpoint: options.revokeUrl,
  };
  const client: oauth.Client = { client_id: clientId };
  const caller = createTokenCaller(options);
  const deadlineMs = options.deadlineMs ?? 15_000;
  const refreshDeadlineMs = options.refreshDeadlineMs ?? 20_000;

  return {
    clientId,
    authorizationUrl({ redirectUri, scope, state, codeChallenge }) {
      // Not the URL's own parameters: those write the whole URL anew with each name.
      const query = new URLSearchParams(authorizeUrl.search);
      for (const [name, value] of Object.entries({
        response_type: 'code',
        client_id: clientId,
        redirect_uri: redirectUri,
        scope,
        state,
        code_challenge_method: 'S256',
        code_challenge: codeChallenge,
      })) {
        query.set(name, value);
      }
      // As Klaviyo's own SDK writes blanks: %20 means one in every part of a URL, + only in forms.
      return `${authorizeUrl.origin}${authorizeUrl.pathname}?${query.toString().replaceAll('+', '%20')}`;
    },
    async exchangeCode({ query, state, redirectUri, codeVerifier }) {
      const parameters = validateCallback(server, client, query, state);
      const verifier = codeVerifier.reveal();
      return caller.callForTokens(
        [verifier, query.get('code') ?? ''],
        deadlineMs,
        (auth, request) =>
          oauth.authorizationCodeGrantRequest(
            server,
            client,
            auth,
            parameters,
            redirectUri,
            verifier,
            request,
          ),
      );
    },
    refresh: (refreshToken) =>
      caller.callForTokens([refreshToken.reveal()], refreshDeadlineMs, (auth, request) =>
        oauth.refreshTokenGrantRequest(server, client, auth, refreshToken.reveal(), request),
      ),
    async revoke(refreshToken) {
      const { status, headers } = await caller.call(deadlineMs, (auth, request) =>
        oauth.revocationRequest(server, client, auth, refreshToken.reveal(), {
          ...request,
          additionalParameters: { token_type_hint: 'refresh_token' },
        }),
      );
      if (status === 200) return;
      const refused = status === 400 || status === 401;
      const retryAfterSec = parseRetryAfterSec(headers['retry-after'], options.clock.now());
      throw new KeyshiftError(
        refused ? 'client_rejected' : upstreamCode(status),
        `The revocation endpoint answered ${status}.`,
        retryAfterSec === undefined ? {} : { retryAfterSec },
      );
    },
  };
}
