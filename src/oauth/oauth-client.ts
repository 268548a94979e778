import * as oauth from 'oauth4webapi';
import { KeyshiftError, isKeyshiftError } from '../errors/keyshift-error.ts';
import type { Clock } from '../runtime/clock.ts';
import type { HttpClient } from '../runtime/http-client.ts';
import type { Secret } from '../runtime/secret.ts';
import { readTokenReply, type TokenOutcome } from './token-outcome.ts';

/** The app as registered at Klaviyo, and where Klaviyo's endpoints are. */
export interface OAuthClientOptions {
  readonly clientId: string;
  readonly clientSecret: Secret<'client_secret'>;
  readonly authorizeUrl: string;
  readonly tokenUrl: string;
  readonly revokeUrl: string;
  readonly http: HttpClient;
  readonly clock: Clock;
  /** Milliseconds for one call of the token endpoint; 15,000 by default. */
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
  const { clientId, http, clock } = options;
  const deadlineMs = options.deadlineMs ?? 15_000;
  const server: oauth.AuthorizationServer = {
    issuer: new URL(options.authorizeUrl).origin,
    token_endpoint: options.tokenUrl,
    revocation_endpoint: options.revokeUrl,
  };
  const client: oauth.Client = { client_id: clientId };
  const clientAuth = rawBasicAuth(clientId, options.clientSecret);
  const requestOptions: oauth.TokenEndpointRequestOptions = {
    // Loopback sandboxes speak plain http; in production the configuration refuses it elsewhere.
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- marked so that it stands out
    [oauth.allowInsecureRequests]: true,
    [oauth.customFetch]: createFetch(http, deadlineMs),
  };

  return {
    clientId,
    authorizationUrl({ redirectUri, scope, state, codeChallenge }) {
      const url = new URL(options.authorizeUrl);
      for (const [name, value] of Object.entries({
        response_type: 'code',
        client_id: clientId,
        redirect_uri: redirectUri,
        scope,
        state,
        code_challenge_method: 'S256',
        code_challenge: codeChallenge,
      })) {
        url.searchParams.set(name, value);
      }
      return url.href;
    },
    async exchangeCode({ query, state, redirectUri, codeVerifier }) {
      const parameters = validateCallback(server, client, query, state);
      return toOutcome(
        () =>
          oauth.authorizationCodeGrantRequest(
            server,
            client,
            clientAuth,
            parameters,
            redirectUri,
            codeVerifier.reveal(),
            requestOptions,
          ),
        clock,
      );
    },
    refresh: (refreshToken) =>
      toOutcome(
        () =>
          oauth.refreshTokenGrantRequest(
            server,
            client,
            clientAuth,
            refreshToken.reveal(),
            requestOptions,
          ),
        clock,
      ),
    async revoke(refreshToken) {
      const reply = await oauth.revocationRequest(
        server,
        client,
        clientAuth,
        refreshToken.reveal(),
        {
          ...requestOptions,
          additionalParameters: { token_type_hint: 'refresh_token' },
        },
      );
      if (reply.status === 200) return;
      if (reply.status === 400 || reply.status === 401) {
        throw new KeyshiftError('client_rejected', `revocation was refused with ${reply.status}`);
      }
      throw new KeyshiftError(
        'upstream_unavailable',
        `revocation was answered with ${reply.status}`,
      );
    },
  };
}

/** HTTP Basic with id and secret as they are: Klaviyo does not percent-decode them. */
function rawBasicAuth(clientId: string, clientSecret: Secret<'client_secret'>): oauth.ClientAuth {
  return (_server, _client, _body, headers) => {
    const credentials = Buffer.from(`${clientId}:${clientSecret.reveal()}`).toString('base64');
    headers.set('authorization', `Basic ${credentials}`);
  };
}

function createFetch(http: HttpClient, deadlineMs: number) {
  return async (
    url: string,
    init: oauth.CustomFetchOptions<string, URLSearchParams>,
  ): Promise<Response> => {
    const reply = await http.send({
      method: init.method,
      url,
      headers: init.headers,
      body: init.body.toString(),
      deadlineMs,
    });
    const bodyless = reply.status === 204 || reply.status === 205 || reply.status === 304;
    return new Response(bodyless ? null : reply.body, {
      status: reply.status,
      headers: reply.headers,
    });
  };
}

function validateCallback(
  server: oauth.AuthorizationServer,
  client: oauth.Client,
  query: URLSearchParams,
  state: string,
): URLSearchParams {
  if (query.get('error') !== null) throw callbackError(query);
  if (!query.get('code')) {
    throw new KeyshiftError('code_missing', 'The callback holds neither a code nor an error.');
  }
  try {
    return oauth.validateAuthResponse(server, client, query, state);
  } catch (cause) {
    throw new KeyshiftError(
      'authorization_failed',
      'The callback is not a valid authorization response.',
      { cause },
    );
  }
}

function callbackError(query: URLSearchParams): KeyshiftError {
  const error = query.get('error') ?? '';
  if (error === 'access_denied') {
    return new KeyshiftError(
      'authorization_denied',
      'The request for access was declined in Klaviyo.',
    );
  }
  // Only the standard form is repeated (RFC 6749 section 4.1.2.1): a link can put any text here.
  const known = /^[a-z_]{1,40}$/.test(error) ? ` (${error})` : '';
  return new KeyshiftError(
    'authorization_failed',
    `Klaviyo ended the authorization with an error${known}.`,
  );
}

async function toOutcome(send: () => Promise<Response>, clock: Clock): Promise<TokenOutcome> {
  try {
    const response = await send();
    return readTokenReply(
      {
        status: response.status,
        headers: Object.fromEntries(response.headers),
        body: await response.text(),
      },
      clock.now(),
    );
  } catch (error) {
    if (!isKeyshiftError(error)) throw error;
    return {
      kind: 'transient',
      status: error.status,
      reason: error.message,
      retryAfterSec: undefined,
    };
  }
}
