import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOAuthClient, type OAuthClient } from '../../src/oauth/oauth-client.ts';
import { codeChallengeOf } from '../../src/oauth/pkce.ts';
import type { GrantedTokens, TokenOutcome } from '../../src/oauth/token-outcome.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { createHttpClient } from '../../src/runtime/http-client.ts';
import { randomToken, systemRandom } from '../../src/runtime/random.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { approveConsent, startSandbox } from '../../src/sandbox.ts';
import { certifiedApp, startCertifiedServer } from '../support/certified-server.ts';

/** An authorization server as the script below sees it. */
interface TestServer extends AsyncDisposable {
  readonly authorizeUrl: string;
  readonly tokenUrl: string;
  readonly revokeUrl: string;
  /** Does what a person in a browser does; answers where the browser was sent. */
  decide(authorizationUrl: string, decision: 'allow' | 'deny'): Promise<URL>;
}

interface TestServerKind {
  readonly name: string;
  readonly scope: string;
  start(): Promise<TestServer>;
}

const certified: TestServerKind = {
  name: 'a certified authorization server',
  scope: certifiedApp.scope,
  start: startCertifiedServer,
};

/** The sandbox with the same app, set to what the certified server does: rotation, 600 seconds. */
const sandbox: TestServerKind = {
  name: 'the sandbox',
  scope: 'accounts:read profiles:read',
  async start() {
    const { clientId, clientSecret, redirectUri } = certifiedApp;
    const running = await startSandbox({
      rotation: 'rotate_with_reuse_detection',
      accessTokenTtlSec: 600,
      seed: {
        accounts: [{ id: 'AAA111', name: 'Alpha', keys: [] }],
        apps: [
          {
            ...{ clientId, clientSecret, name: 'App', redirectUris: [redirectUri] },
            scopes: ['accounts:read', 'profiles:read'],
          },
        ],
      },
    });
    return {
      ...running,
      decide: async (url, decision) => new URL(await approveConsent(url, { decision })),
    };
  },
};

const { redirectUri } = certifiedApp;
const http = createHttpClient();
let scope: string;
let server: TestServer;
let client: OAuthClient;

function createClient(clientSecret: string): OAuthClient {
  const { authorizeUrl, tokenUrl, revokeUrl } = server;
  return createOAuthClient({
    clientId: certifiedApp.clientId,
    clientSecret: new Secret('client_secret', clientSecret),
    ...{ authorizeUrl, tokenUrl, revokeUrl, http, clock: systemClock },
  });
}

afterAll(() => http.close());

/** Asks the person, and answers the callback with what belongs to it. */
async function authorize(decision: 'allow' | 'deny' = 'allow') {
  const state = systemRandom.id();
  const codeVerifier = new Secret('code_verifier', randomToken(systemRandom));
  const codeChallenge = codeChallengeOf(codeVerifier);
  const url = client.authorizationUrl({ redirectUri, scope, state, codeChallenge });
  const { searchParams: query } = await server.decide(url, decision);
  return { query, state, redirectUri, codeVerifier };
}

function tokensOf(outcome: TokenOutcome): GrantedTokens & {
  readonly refreshToken: Secret<'refresh_token'>;
} {
  if (outcome.kind !== 'granted' || !outcome.tokens.refreshToken) {
    throw new Error(`no pair, but ${JSON.stringify(outcome)}`);
  }
  return { ...outcome.tokens, refreshToken: outcome.tokens.refreshToken };
}

const signIn = async () => tokensOf(await client.exchangeCode(await authorize()));

describe.each([certified, sandbox])('$name', ({ scope: asked, start }) => {
  beforeAll(async () => {
    scope = asked;
    server = await start();
    client = createClient(certifiedApp.clientSecret);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it('refuses a verifier that does not belong to the challenge', async () => {
    const codeVerifier = new Secret('code_verifier', 'w'.repeat(43));
    const callback = { ...(await authorize()), codeVerifier };
    expect(await client.exchangeCode(callback)).toMatchObject({
      kind: 'grant_rejected',
      error: 'invalid_grant',
    });
  });

  it('refuses a code the second time', async () => {
    const callback = await authorize();
    expect(await client.exchangeCode(callback)).toMatchObject({ kind: 'granted' });
    expect(await client.exchangeCode(callback)).toMatchObject({ kind: 'grant_rejected' });
  });

  it('refuses another redirect URI than the one of the start', async () => {
    const callback = await authorize();
    const elsewhere = { ...callback, redirectUri: `${redirectUri}/elsewhere` };
    expect(await client.exchangeCode(elsewhere)).toMatchObject({ kind: 'grant_rejected' });
  });

  it('refuses a wrong secret in a way that blames no customer', async () => {
    const { refreshToken } = await signIn();
    const stranger = createClient('another-secret-0123456789abcdef0123456789');
    expect(await stranger.refresh(refreshToken)).toMatchObject({
      kind: 'client_rejected',
      error: 'invalid_client',
    });
    await expect(stranger.revoke(refreshToken)).rejects.toMatchObject({ code: 'client_rejected' });
    expect(await client.refresh(refreshToken)).toMatchObject({ kind: 'granted' });
  });

  it('refuses a refresh token that was made up', async () => {
    const madeUp = new Secret('refresh_token', 'made-up-refresh-token-0123456789-0123456789');
    expect(await client.refresh(madeUp)).toMatchObject({ kind: 'grant_rejected' });
  });

  it('tells that the person said no', async () => {
    await expect(client.exchangeCode(await authorize('deny'))).rejects.toMatchObject({
      code: 'authorization_denied',
    });
  });

  it('sends the browser back with the state it was given', async () => {
    const { query, state } = await authorize();
    expect(query.get('state')).toBe(state);
    expect(query.get('code')).not.toBeNull();
    await expect(
      client.exchangeCode({ ...(await authorize()), state: 'another-state' }),
    ).rejects.toMatchObject({ code: 'authorization_failed' });
  });

  it('exchanges a code with PKCE and Basic credentials as they are', async () => {
    const tokens = await signIn();
    expect(tokens.accessToken.reveal()).not.toBe('');
    expect(tokens.expiresInSec).toBe(600);
    expect(tokens.scope).toBe(scope);
  });

  it('refreshes, rotates, and takes the spent refresh token for reuse', async () => {
    const first = await signIn();
    const second = tokensOf(await client.refresh(first.refreshToken));
    expect(second.refreshToken.equals(first.refreshToken)).toBe(false);
    expect(second.accessToken.equals(first.accessToken)).toBe(false);
    const third = tokensOf(await client.refresh(second.refreshToken));
    expect(await client.refresh(first.refreshToken)).toMatchObject({
      kind: 'grant_rejected',
      error: 'invalid_grant',
    });
    expect(await client.refresh(third.refreshToken)).toMatchObject({ kind: 'grant_rejected' });
  });

  it('revokes by refresh token, once and for all', async () => {
    const { refreshToken } = await signIn();
    await client.revoke(refreshToken);
    expect(await client.refresh(refreshToken)).toMatchObject({ kind: 'grant_rejected' });
    await client.revoke(refreshToken);
  });
});
