import { describe, expect, it } from 'vitest';
import type { Fault } from '../../src/sandbox.ts';
import { accountIdOf, apiErrorOf, errorOf, send, tokensOf } from '../support/answer.ts';
import { findFreePort } from '../../src/runtime/free-port.ts';
import { startFlow, type FlowFixture } from '../support/flow-fixture.ts';
import { startLoopbackServer } from '../support/loopback-server.ts';
import { accountOf, migrateToLive } from '../support/migration-steps.ts';

const match = { path: '/api/accounts' };

function whoami({ url }: FlowFixture, headers: Record<string, string> = {}) {
  return send(`${url}/whoami`, { headers: { authorization: 'Bearer some-token', ...headers } });
}

async function whoamiWithFault(fault: Fault) {
  await using fixture = await startFlow();
  fixture.sandbox.addFault(fault);
  return await whoami(fixture);
}

describe('GET /whoami without a usable credential', () => {
  it.each([
    ['no Authorization at all', undefined],
    ['an empty one', ''],
    ['a bearer without a token', 'Bearer '],
    ['a bearer of two words', 'Bearer one two'],
    ['HTTP Basic', 'Basic YTpi'],
    ['a private key', 'Klaviyo-API-Key pk_0123456789'],
  ])('answers 401 to %s and asks Klaviyo nothing', async (_name, authorization) => {
    await using fixture = await startFlow();
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
    const answer = await send(`${fixture.url}/whoami`, { headers });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    expect(errorOf(answer).error).toBe('unauthenticated');
    expect(fixture.calls).toEqual([]);
  });
});

describe("GET /whoami passes Klaviyo's own answers on", () => {
  const jsonApiError = (code: string) => ({
    errors: [{ id: 'e-1', code, title: 't', detail: 'd' }],
  });

  it.each([
    [401, 'authentication_failed'],
    [403, 'permission_denied'],
    [429, 'throttled'],
    [500, 'error'],
    [503, 'unavailable'],
  ])('a %i with its body and Retry-After', async (status, code) => {
    const body = jsonApiError(code);
    const answer = await whoamiWithFault({
      kind: 'status',
      status,
      headers: { 'retry-after': '17', 'content-type': 'application/vnd.api+json' },
      body,
      match,
    });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('retry-after')).toBe('17');
    expect(answer.headers.get('content-type')).toBe('application/vnd.api+json');
    expect(answer.body).toBe(JSON.stringify(body));
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it('the 401 of an access token that Klaviyo does not know', async () => {
    await using fixture = await startFlow();
    const answer = await whoami(fixture);
    expect(answer.status).toBe(401);
    expect(apiErrorOf(answer).code).toBe('authentication_failed');
  });

  it.each([
    [429, 'upstream_throttled'],
    [503, 'upstream_unavailable'],
  ])('a %i that is a page of the edge stays one, with Retry-After', async (status, code) => {
    const answer = await whoamiWithFault({
      kind: 'html',
      status,
      headers: { 'retry-after': '9' },
      match,
    });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('retry-after')).toBe('9');
    expect(errorOf(answer).error).toBe(code);
    expect(answer.body).not.toContain('<html');
  });
});

describe('GET /whoami when Klaviyo cannot be read', () => {
  const unreadable: readonly (readonly [string, Fault])[] = [
    ['a page of the edge with 403', { kind: 'html', status: 403, match }],
    ['a page with 200', { kind: 'html', status: 200, match }],
    ['a page with 500', { kind: 'html', status: 500, match }],
    ['an empty 200', { kind: 'empty', match }],
    ['a 200 that breaks off', { kind: 'truncated', match }],
    ['a connection that breaks', { kind: 'reset_before', match }],
  ];

  it.each(unreadable)('answers 502 to %s', async (_name, fault) => {
    const answer = await whoamiWithFault(fault);
    expect(answer.status).toBe(502);
    expect(errorOf(answer).error).toMatch(/^upstream_(unreadable|unreachable)$/);
    expect(answer.body).not.toContain('some-token');
  });

  it('answers 502 when nothing listens there', async () => {
    const KLAVIYO_API_URL = `http://localhost:${await findFreePort()}`;
    await using fixture = await startFlow({ environment: { KLAVIYO_API_URL } });
    const answer = await whoami(fixture);
    expect(answer.status).toBe(502);
    expect(errorOf(answer).error).toBe('upstream_unreachable');
  });

  it('answers 504 within the deadline when no answer comes', async () => {
    await using fixture = await startFlow({ deadlineMs: 300 });
    fixture.sandbox.addFault({ kind: 'delay', delayMs: 60_000, match });
    const startedMs = performance.now();
    const answer = await whoami(fixture);
    expect(answer.status).toBe(504);
    expect(errorOf(answer).error).toBe('upstream_timeout');
    expect(performance.now() - startedMs).toBeLessThan(1_500);
    expect(fixture.calls.map((call) => call.deadlineMs)).toEqual([10_000]);
  });

  it('answers 504 within the deadline when an answer starts and never ends', async () => {
    await using api = await startLoopbackServer((response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).write('{"data": [');
    });
    await using fixture = await startFlow({
      deadlineMs: 300,
      environment: { KLAVIYO_API_URL: api.url },
    });
    const startedMs = performance.now();
    const answer = await whoami(fixture);
    expect(answer.status).toBe(504);
    expect(performance.now() - startedMs).toBeLessThan(1_500);
  });

  it('follows no redirect, so that the token stays with Klaviyo', async () => {
    await using elsewhere = await startLoopbackServer((response) => response.end('{}'));
    await using api = await startLoopbackServer((response) => {
      response.writeHead(302, { location: elsewhere.url }).end();
    });
    await using fixture = await startFlow({ environment: { KLAVIYO_API_URL: api.url } });
    const answer = await whoami(fixture);
    expect(answer.status).toBe(502);
    expect(elsewhere.received).toEqual([]);
  });
});

describe('GET /whoami', () => {
  it("answers with the account, and sends the revision: the caller's, else the configured one", async () => {
    await using fixture = await startFlow();
    const account = accountOf(fixture, 3);
    const tokens = tokensOf(
      await fixture.newBrowser().signIn(`${fixture.url}/auth/start`, { account }),
    );
    const authorization = `Bearer ${tokens.access_token}`;
    const before = fixture.calls.length;
    expect(accountIdOf(await whoami(fixture, { authorization }))).toBe(account);
    expect(accountIdOf(await whoami(fixture, { authorization, revision: '2025-10-15' }))).toBe(
      account,
    );
    expect(fixture.calls.slice(before).map(({ headers }) => headers?.['revision'])).toEqual([
      '2026-07-15',
      '2025-10-15',
    ]);
  });
});

describe('who guesses access tokens at /whoami', () => {
  it('has Klaviyo asked about few of them, and stops nobody who has a right one', async () => {
    await using fixture = await startFlow({ mode: 'production' });
    await migrateToLive(fixture, 'acme', 0);
    const key = { clientId: 'flow-app', accountId: accountOf(fixture, 0) };
    const right = (await fixture.keyshift.tokens.liveGrant(key)).accessToken.reveal();
    expect((await whoami(fixture, { authorization: `Bearer ${right}` })).status).toBe(200);
    const asked = () => fixture.calls.filter(({ url }) => url.includes('/api/accounts')).length;
    const before = asked();
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, at) =>
        whoami(fixture, { authorization: `Bearer guess-${at}` }).then(({ status }) => status),
      ),
    );
    const counts = Map.groupBy(answers, (status) => status);
    expect(counts.get(429)!.length).toBeGreaterThan(0);
    const startedMs = performance.now();
    expect((await whoami(fixture, { authorization: `Bearer ${right}` })).status).toBe(200);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    for (let at = 0; at < 3; at += 1) {
      expect((await whoami(fixture, { authorization: `Bearer late-${at}` })).status).toBe(429);
    }
    expect(asked() - before).toBeLessThan(70);
  });
});
