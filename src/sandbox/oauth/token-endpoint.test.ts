import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  appOne,
  appTwo,
  basic,
  send,
  startTestSandbox,
  type TestReply,
  type TestSandbox,
} from '../../../test/support/sandbox-client.ts';

let test: TestSandbox;
beforeEach(async () => {
  test = await startTestSandbox();
});
afterEach(() => test.sandbox.close());

function expectError(reply: TestReply, status: number, error: string, description?: string) {
  expect(reply.status).toBe(status);
  expect(reply.json).toEqual({
    error,
    error_description: description ?? expect.any(String),
  });
  expect(reply.headers.get('cache-control')).toBe('no-store');
}

const post = (body: string | URLSearchParams, headers: Record<string, string> = {}) =>
  send(test.sandbox.tokenUrl, {
    method: 'POST',
    headers: { authorization: basic(appOne.clientId, appOne.clientSecret), ...headers },
    body,
  });

describe('POST /oauth/token', () => {
  it.each([
    ['a grant type it does not have', new URLSearchParams({ grant_type: 'password' })],
    ['no grant type', new URLSearchParams({ code: 'x' })],
    ['a JSON body', JSON.stringify({ grant_type: 'refresh_token', refresh_token: 'x' })],
    ['an empty body', ''],
  ])('refuses %s as unsupported_grant_type', async (_, body) => {
    expectError(await post(body), 400, 'unsupported_grant_type');
  });

  it.each([
    ['no credentials', ''],
    ['another scheme', 'Bearer abc'],
    ['an unknown app', basic('nobody', 'secret')],
    ['a wrong secret', basic(appOne.clientId, 'wrong')],
    ['an empty secret', basic(appOne.clientId, '')],
    ['another app’s secret', basic(appOne.clientId, appTwo.clientSecret)],
    ['a secret percent-encoded', basic(appOne.clientId, 'secret%2Done%5Fwith%2Ddashes')],
    ['no colon', `Basic ${Buffer.from('app-one').toString('base64')}`],
    ['base64 that is none', 'Basic %%%'],
  ])('refuses %s with 401 invalid_client and a Basic challenge', async (_, authorization) => {
    const reply = await post(
      new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'x' }),
      { authorization },
    );
    expectError(reply, 401, 'invalid_client');
    expect(reply.headers.get('www-authenticate')).toMatch(/^Basic /);
  });

  it('takes the credentials from nowhere but the header', async () => {
    const reply = await post(
      new URLSearchParams({
        grant_type: 'refresh_token',
        refresh_token: 'x',
        client_id: appOne.clientId,
        client_secret: appOne.clientSecret,
      }),
      { authorization: '' },
    );
    expectError(reply, 401, 'invalid_client');
  });

  it('answers other methods with 405', async () => {
    expect((await send(test.sandbox.tokenUrl)).status).toBe(405);
  });
});

describe('exchanging a code', () => {
  it.each([
    ['no code', { code: '' }, 'invalid_request', 'Missing "code" in request.'],
    ['an unknown code', { code: 'nope' }, 'invalid_grant', 'Invalid "code" in request.'],
    [
      'another redirect URI',
      { redirect_uri: 'http://localhost:5000/other?keep=1' },
      'invalid_grant',
      'Invalid "redirect_uri" in request.',
    ],
    [
      'no redirect URI',
      { redirect_uri: '' },
      'invalid_grant',
      'Invalid "redirect_uri" in request.',
    ],
    ['no verifier', { code_verifier: '' }, 'invalid_request', 'Missing "code_verifier"'],
    ['a short verifier', { code_verifier: 'abc' }, 'invalid_request', 'Invalid "code_verifier"'],
    [
      'a verifier outside the alphabet',
      { code_verifier: `${'v'.repeat(50)}!` },
      'invalid_request',
      'Invalid "code_verifier"',
    ],
    [
      'a verifier of another challenge',
      { code_verifier: 'w'.repeat(64) },
      'invalid_grant',
      'Code challenge failed.',
    ],
  ])('refuses %s', async (_, fields, error, description) => {
    const code = await test.obtainCode();
    expectError(await test.exchange(code, fields), 400, error, description);
  });

  it('refuses a code of another app, and leaves it to its own', async () => {
    const code = await test.obtainCode();
    expectError(await test.exchange(code, {}, appTwo), 400, 'invalid_grant');
    expect((await test.exchange(code)).status).toBe(200);
  });

  it('takes a code once', async () => {
    const code = await test.obtainCode();
    expect((await test.exchange(code)).status).toBe(200);
    expectError(await test.exchange(code), 400, 'invalid_grant');
  });

  it('takes a code for five minutes', async () => {
    const [early, late] = [await test.obtainCode(), await test.obtainCode()];
    await test.clock.advance(299_999);
    expect((await test.exchange(early)).status).toBe(200);
    await test.clock.advance(1);
    expectError(await test.exchange(late), 400, 'invalid_grant');
  });

  it('answers a pair that opens the chosen account with the scopes asked for', async () => {
    const code = await test.obtainCode({ account: 'BBB222' });
    const reply = await test.exchange(code);
    expect(reply.status).toBe(200);
    expect(reply.headers.get('cache-control')).toBe('no-store');
    expect(reply.json).toEqual({
      access_token: expect.stringMatching(/^eyJ[\w-]+\.[\w-]+\.[\w-]+$/),
      token_type: 'bearer',
      expires_in: 3600,
      refresh_token: expect.stringMatching(/^[\w-]{64}$/),
      scope: 'accounts:read profiles:read',
    });
    expect(reply.at('access_token')).toHaveLength(536);
    const accounts = await test.get('/api/accounts', reply.text('access_token'));
    expect(accounts.at('data.0.id')).toBe('BBB222');
    expect(test.sandbox.accounts()[1]?.installs).toMatchObject([{ clientId: 'app-one' }]);
  });

  it('upgrades the one install in place when an account consents again', async () => {
    const first = await test.install();
    await test.exchange(await test.obtainCode({}, { scope: 'accounts:read' }));
    const [{ installs } = { installs: [] }] = test.sandbox.accounts();
    expect(installs).toMatchObject([{ scopes: ['accounts:read'], liveAccessTokens: 2 }]);
    expect((await test.get('/api/accounts', first.access_token)).status).toBe(200);
    expect((await test.refresh(first.refresh_token)).at('scope')).toBe('accounts:read');
  });
});
