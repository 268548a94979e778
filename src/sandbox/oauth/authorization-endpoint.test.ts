import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { approveConsent } from '../approve-consent.ts';
import {
  appOne,
  challenge,
  send,
  startTestSandbox,
  testSeed,
  type TestSandbox,
} from '../../../test/support/sandbox-client.ts';

let test: TestSandbox;
beforeAll(async () => {
  test = await startTestSandbox();
});
afterAll(() => test.sandbox.close());

const locationOf = (reply: { headers: Headers }) => new URL(reply.headers.get('location') ?? '');

describe('GET /oauth/authorize', () => {
  it.each([
    ['an unknown client', { client_id: 'nobody' }],
    ['no client', { client_id: undefined }],
    ['a client named like a property of every object', { client_id: '__proto__' }],
    ['no redirect URI', { redirect_uri: undefined }],
    ['a redirect URI of another host', { redirect_uri: 'http://127.0.0.1:5000/auth/callback' }],
    ['a redirect URI with a slash too many', { redirect_uri: `${appOne.redirectUris[0]}/` }],
    ['a redirect URI with a query too many', { redirect_uri: `${appOne.redirectUris[0]}?a=1` }],
  ])('shows an error page and sends nobody anywhere for %s', async (_, changes) => {
    const reply = await send(test.authorizationUrl(changes));
    expect(reply.status).toBe(400);
    expect(reply.headers.get('location')).toBeNull();
    expect(reply.headers.get('content-type')).toContain('text/html');
  });

  it.each([
    ['response_type token', { response_type: 'token' }, 'unsupported_response_type'],
    ['no response_type', { response_type: undefined }, 'unsupported_response_type'],
    ['a scope the app has not saved', { scope: 'accounts:read lists:read' }, 'invalid_scope'],
    ['scopes separated by commas', { scope: 'accounts:read,profiles:read' }, 'invalid_scope'],
    ['no scope', { scope: undefined }, 'invalid_scope'],
    ['no code challenge', { code_challenge: undefined }, 'invalid_request'],
    ['the plain challenge method', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['no challenge method', { code_challenge_method: undefined }, 'invalid_request'],
    ['a challenge that is too short', { code_challenge: 'abc' }, 'invalid_request'],
  ])('redirects with an error and the state for %s', async (_, changes, error) => {
    const reply = await send(test.authorizationUrl(changes));
    expect(reply.status).toBe(302);
    const location = locationOf(reply);
    expect(location.origin + location.pathname).toBe(appOne.redirectUris[0]);
    expect(location.searchParams.get('error')).toBe(error);
    expect(location.searchParams.get('error_description')).toBeTruthy();
    expect(location.searchParams.get('state')).toBe('state-1');
    expect(location.searchParams.get('code')).toBeNull();
  });

  it('requires a state, as Klaviyo documents', async () => {
    const location = locationOf(await send(test.authorizationUrl({ state: undefined })));
    expect(location.searchParams.get('error')).toBe('invalid_request');
    expect(location.searchParams.has('state')).toBe(false);
  });

  it('refuses a parameter that is sent twice', async () => {
    const location = locationOf(await send(`${test.authorizationUrl()}&scope=events:read`));
    expect(location.searchParams.get('error_description')).toBe('Multiple "scope" in request.');
  });

  it('keeps the query of a redirect URI', async () => {
    const redirect_uri = 'http://localhost:5000/other?keep=1';
    const callback = await approveConsent(test.authorizationUrl({ redirect_uri }));
    expect(new URL(callback).searchParams.get('keep')).toBe('1');
    expect(new URL(callback).searchParams.get('code')).toBeTruthy();
  });

  it('shows a form without scripts, under a strict policy, with what it got escaped', async () => {
    const reply = await send(test.authorizationUrl({ state: '"><script>alert(1)</script>' }));
    expect(reply.status).toBe(200);
    expect(reply.body).not.toMatch(/<script|\son\w+=/i);
    expect(reply.body).toContain('App &lt;One&gt; asks for access');
    expect(reply.body).toContain('Alpha &amp; Sons (AAA111)');
    expect(reply.body.indexOf('AAA111')).toBeLessThan(reply.body.indexOf('BBB222'));
    expect(reply.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(reply.headers.get('cache-control')).toBe('no-store');
  });

  it('groups the accounts under the people who can choose them', async () => {
    await using grouped = await startTestSandbox({
      seed: { ...testSeed, users: [{ email: 'sam@agency.example', accounts: ['BBB222'] }] },
    });
    const { body } = await send(grouped.authorizationUrl());
    expect(body).toMatch(/label="sam@agency.example">\s*<option value="BBB222 sam@agency.example"/);
    expect(body).toMatch(/label="Other accounts">\s*<option value="AAA111"/);
    expect(await approveConsent(grouped.authorizationUrl())).toContain('code=');
    expect(grouped.sandbox.requests().at(-1)?.accountId).toBe('BBB222');
  });

  it('answers other methods with 405', async () => {
    expect((await test.request('/oauth/authorize', { method: 'PUT' })).status).toBe(405);
  });
});

describe('the consent form', () => {
  const submit = (fields: Record<string, string>) =>
    test.request('/oauth/authorize', {
      method: 'POST',
      body: new URLSearchParams({
        response_type: 'code',
        client_id: 'app-one',
        redirect_uri: 'http://localhost:5000/auth/callback',
        scope: 'accounts:read',
        state: 's',
        code_challenge_method: 'S256',
        code_challenge: challenge,
        account: 'AAA111',
        decision: 'allow',
        ...fields,
      }),
    });

  it('accepts neither an account nobody has nor a missing decision', async () => {
    expect((await submit({ account: 'ZZZ999' })).status).toBe(400);
    expect((await submit({ account: '' })).status).toBe(400);
    expect((await submit({ decision: '' })).status).toBe(400);
  });

  it('checks its hidden fields again: they come from a browser', async () => {
    expect((await submit({ redirect_uri: 'http://evil.example/' })).status).toBe(400);
    expect(locationOf(await submit({ scope: 'lists:write' })).searchParams.get('error')).toBe(
      'invalid_scope',
    );
  });

  it('redirects with access_denied and the state when the person denies', async () => {
    const callback = new URL(await approveConsent(test.authorizationUrl(), { decision: 'deny' }));
    expect(Object.fromEntries(callback.searchParams)).toEqual({
      error: 'access_denied',
      error_description: 'The resource owner or authorization server denied the request',
      state: 'state-1',
    });
  });

  it('redirects with a code and the state, byte for byte, when the person allows', async () => {
    const state = 'a b+c&d="é"/?#';
    const callback = new URL(await approveConsent(test.authorizationUrl({ state })));
    expect(callback.searchParams.get('state')).toBe(state);
    expect(callback.searchParams.get('code')).toMatch(/^[\w-]{43}$/);
  });
});

describe('approveConsent', () => {
  it('answers the error redirect of a request that never reaches a person', async () => {
    const location = await approveConsent(test.authorizationUrl({ scope: 'nope:read' }));
    expect(new URL(location).searchParams.get('error')).toBe('invalid_scope');
  });

  it('throws what the page says when there is nothing to approve', async () => {
    await expect(approveConsent(test.authorizationUrl({ client_id: 'x' }))).rejects.toMatchObject({
      code: 'authorization_failed',
      message: 'No app has this client_id.',
    });
  });

  it('throws when the account does not exist', async () => {
    await expect(
      approveConsent(test.authorizationUrl(), { account: 'ZZZ999' }),
    ).rejects.toMatchObject({ code: 'authorization_failed' });
  });
});
