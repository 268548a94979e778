import { inspect } from 'node:util';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import {
  htmlAnswer,
  jsonAnswer,
  startLoopbackServer,
  type Answer,
} from '../../test/support/loopback-server.ts';
import { createManualClock } from '../runtime/clock.ts';
import { createHttpClient } from '../runtime/http-client.ts';
import { Secret } from '../runtime/secret.ts';
import { createOAuthClient, type OAuthClientOptions } from './oauth-client.ts';

const http = createHttpClient();
afterAll(() => http.close());

const redirectUri = 'http://localhost:5000/auth/callback';
const refreshToken = new Secret('refresh_token', 'refresh-token-in-use');
const pair = {
  access_token: 'access-token-fresh',
  token_type: 'Bearer',
  expires_in: 3600,
  refresh_token: 'refresh-token-fresh',
  scope: 'accounts:read',
};

async function openClient(answer: Answer, options: Partial<OAuthClientOptions> = {}) {
  const server = await startLoopbackServer(answer);
  const client = createOAuthClient({
    clientId: 'app-one',
    clientSecret: new Secret('client_secret', 'secret-one_x'),
    authorizeUrl: `${server.url}/oauth/authorize`,
    tokenUrl: `${server.url}/oauth/token`,
    revokeUrl: `${server.url}/oauth/revoke`,
    http,
    clock: createManualClock(),
    ...options,
  });
  const exchange = (query: string) =>
    client.exchangeCode({
      query: new URLSearchParams(query),
      state: 'state-1',
      redirectUri,
      codeVerifier: new Secret('code_verifier', 'v'.repeat(43)),
    });
  const { url, received } = server;
  return { client, exchange, url, received, [Symbol.asyncDispose]: server[Symbol.asyncDispose] };
}

describe('a callback', () => {
  it.each([
    ['error=access_denied&state=state-1', 'authorization_denied'],
    ['error=access_denied&code=c&state=state-1', 'authorization_denied'],
    ['error=invalid_scope&error_description=x&state=state-1', 'authorization_failed'],
    ['error=&state=state-1', 'authorization_failed'],
    ['state=state-1', 'code_missing'],
    ['code=&state=state-1', 'code_missing'],
    ['code=c&state=another', 'authorization_failed'],
    ['code=c', 'authorization_failed'],
    ['code=c&code=d&state=state-1', 'authorization_failed'],
    ['code=c&state=state-1&state=state-1', 'authorization_failed'],
    ['response=jwt&code=c&state=state-1', 'authorization_failed'],
  ])('%s is %s, and nothing is sent', async (query, code) => {
    await using bench = await openClient(jsonAnswer(200, pair));
    await expect(bench.exchange(query)).rejects.toMatchObject({ name: 'KeyshiftError', code });
    expect(bench.received).toEqual([]);
  });

  it('cannot put words into our mouth', async () => {
    await using bench = await openClient(jsonAnswer(200, pair));
    const text = encodeURIComponent('<b>call +1 555 0100</b>');
    const query = `error=${text}&error_description=${text}&state=state-1`;
    await expect(bench.exchange(query)).rejects.not.toThrow(/555/);
    await expect(bench.exchange('error=server_error&state=state-1')).rejects.toThrow(
      'server_error',
    );
  });

  it('leaves neither code nor state in what its error prints', async () => {
    await using bench = await openClient(jsonAnswer(200, pair));
    const query = 'code=the-code-itself&state=the-state-itself&iss=https://evil.example';
    const error: unknown = await bench.exchange(query).catch((failure: unknown) => failure);
    const printed = inspect(error, { depth: Infinity }) + JSON.stringify(error);
    expect(printed).not.toMatch(/the-code-itself|the-state-itself/);
  });
});

describe('the token endpoint', () => {
  it('is sent the code with verifier and redirect URI, and no revision', async () => {
    await using bench = await openClient(jsonAnswer(200, pair));
    const outcome = await bench.exchange('code=code-1&state=state-1');
    expect(outcome).toMatchObject({ kind: 'granted', tokens: { expiresInSec: 3600 } });
    const [request] = bench.received;
    expect(request).toMatchObject({ method: 'POST', path: '/oauth/token' });
    expect(request?.headers).toMatchObject({
      'content-type': expect.stringMatching(/^application\/x-www-form-urlencoded/) as string,
    });
    expect(request?.headers).not.toHaveProperty('revision');
    expect(Object.fromEntries(new URLSearchParams(request?.body))).toEqual({
      grant_type: 'authorization_code',
      code: 'code-1',
      redirect_uri: redirectUri,
      code_verifier: 'v'.repeat(43),
    });
  });

  it('is sent the refresh token, and nothing that it does not ask for', async () => {
    await using bench = await openClient(jsonAnswer(200, pair));
    await bench.client.refresh(refreshToken);
    expect(Object.fromEntries(new URLSearchParams(bench.received[0]?.body))).toEqual({
      grant_type: 'refresh_token',
      refresh_token: 'refresh-token-in-use',
    });
  });

  it.each([
    ['app-one', 'secret-one_with-dashes'],
    ['app_one-two', 'a%2Fb%'],
    ['app one', 'p+q/r=s:t~u.v!'],
  ])('is sent id %j and secret %j as they are', async (clientId, secret) => {
    const clientSecret = new Secret('client_secret', secret);
    await using bench = await openClient(jsonAnswer(200, pair), { clientId, clientSecret });
    await bench.client.refresh(refreshToken);
    const [scheme, credentials] = bench.received[0]?.headers.authorization?.split(' ') ?? [];
    expect(scheme).toBe('Basic');
    expect(Buffer.from(credentials ?? '', 'base64').toString()).toBe(`${clientId}:${secret}`);
    expect(bench.received[0]?.body).not.toContain('client_');
  });

  it.each<[string, Answer]>([
    ['hangs up', (response) => response.destroy()],
    ['never answers', () => undefined],
    ['answers HTML', htmlAnswer(403)],
    ['answers nothing', (response) => response.end()],
    ['answers 204', (response) => response.writeHead(204).end()],
    ['answers 304', (response) => response.writeHead(304).end()],
    ['answers a redirect', (response) => response.writeHead(302, { location: '/x' }).end()],
    ['answers a status of its own', (response) => response.writeHead(799).end('x')],
    ['breaks off', (response) => response.writeHead(200, { 'content-length': '9' }).write('{')],
  ])('is no verdict on the grant when it %s', async (_name, answer) => {
    await using bench = await openClient(answer, { deadlineMs: 400, refreshDeadlineMs: 400 });
    await expect(bench.client.refresh(refreshToken)).resolves.toMatchObject({ kind: 'transient' });
  });

  it('does not lose a pair over a header that is not plain ASCII', async () => {
    await using bench = await openClient((response) => {
      response.socket?.end(
        Buffer.from(
          `HTTP/1.1 200 OK\r\nx-served-by: caché ✓\r\nconnection: close\r\n\r\n${JSON.stringify(pair)}`,
        ),
      );
    });
    await expect(bench.client.refresh(refreshToken)).resolves.toMatchObject({ kind: 'granted' });
  });

  it('never makes a refresh throw, whatever status and body it answers', async () => {
    let answer: Answer = jsonAnswer(200, pair);
    await using bench = await openClient((response, request) => answer(response, request));
    const headers = fc.constantFrom({}, { 'retry-after': '5' }, { 'content-type': 'text/html' });
    const body = fc.oneof(fc.json(), fc.string(), fc.constant(JSON.stringify(pair)));
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 200, max: 999 }),
        headers,
        body,
        async (status, head, text) => {
          answer = (response) => response.writeHead(status, { ...head }).end(text);
          const outcome = await bench.client.refresh(refreshToken);
          expect(outcome).toHaveProperty('kind');
        },
      ),
      { numRuns: 150 },
    );
  });

  it('passes on what Retry-After says', async () => {
    await using bench = await openClient(htmlAnswer(429, { 'retry-after': '12' }));
    await expect(bench.client.refresh(refreshToken)).resolves.toMatchObject({
      kind: 'transient',
      status: 429,
      retryAfterSec: 12,
    });
  });
});

describe('the authorization URL', () => {
  const request = {
    redirectUri,
    scope: 'accounts:read profiles:read',
    state: 'st&te=1',
    codeChallenge: 'challenge',
  };

  it('holds every parameter once, S256 among them, and no secret', async () => {
    await using bench = await openClient(jsonAnswer(200, pair));
    const url = new URL(bench.client.authorizationUrl(request));
    expect(url.origin + url.pathname).toBe(`${bench.url}/oauth/authorize`);
    expect([...url.searchParams].sort()).toEqual(
      [
        ['response_type', 'code'],
        ['client_id', 'app-one'],
        ['redirect_uri', redirectUri],
        ['scope', 'accounts:read profiles:read'],
        ['state', 'st&te=1'],
        ['code_challenge_method', 'S256'],
        ['code_challenge', 'challenge'],
      ].sort(),
    );
    expect(url.href).not.toContain('secret-one');
  });

  it('keeps what the endpoint’s own URL asks for', async () => {
    const authorizeUrl = 'http://127.0.0.1:9/oauth/authorize?prompt=consent';
    await using bench = await openClient(jsonAnswer(200, pair), { authorizeUrl });
    const url = new URL(bench.client.authorizationUrl(request));
    expect(url.searchParams.get('prompt')).toBe('consent');
    expect(url.searchParams.get('client_id')).toBe('app-one');
  });
});

describe('a revocation', () => {
  it.each<[string, Answer, string]>([
    ['refused credentials', jsonAnswer(401, { error: 'invalid_client' }), 'client_rejected'],
    ['an outage', htmlAnswer(503), 'upstream_unavailable'],
    ['the edge', htmlAnswer(403), 'upstream_unreadable'],
    ['a broken connection', (response) => response.destroy(), 'upstream_unreachable'],
    ['silence', () => undefined, 'upstream_timeout'],
  ])('fails for %s with a code', async (_name, answer, code) => {
    await using bench = await openClient(answer, { deadlineMs: 400, refreshDeadlineMs: 400 });
    await expect(bench.client.revoke(refreshToken)).rejects.toMatchObject({ code });
  });

  it('says how long to wait when Klaviyo asks for a slower pace', async () => {
    await using bench = await openClient(htmlAnswer(429, { 'retry-after': '9' }));
    await expect(bench.client.revoke(refreshToken)).rejects.toMatchObject({
      code: 'upstream_throttled',
      retryAfterSec: 9,
    });
  });

  it.each<[string, Answer]>([
    ['an empty body', (response) => response.end()],
    ['an empty object', jsonAnswer(200, {})],
  ])('sends token, hint and Basic credentials, and takes %s', async (_name, answer) => {
    await using bench = await openClient(answer);
    await bench.client.revoke(refreshToken);
    expect(bench.received).toHaveLength(1);
    const [request] = bench.received;
    expect(request).toMatchObject({ method: 'POST', path: '/oauth/revoke' });
    expect(request?.headers.authorization).toMatch(/^Basic /);
    expect(Object.fromEntries(new URLSearchParams(request?.body))).toEqual({
      token: 'refresh-token-in-use',
      token_type_hint: 'refresh_token',
    });
  });
});
