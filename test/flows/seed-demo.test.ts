import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { approveConsent } from '../../src/sandbox.ts';
import { accountIdOf, errorOf, post, send, tokensOf } from '../support/answer.ts';
import { eachDatabase } from '../support/each-database.ts';
import { startFlow, type FlowFixture } from '../support/flow-fixture.ts';
import { accountOf } from '../support/migration-steps.ts';

const run = promisify(execFile);

/** The two commands of Klaviyo's demo, word for word. */
const commands = {
  refresh: `curl -X POST http://localhost:5000/auth/refresh -H "Content-Type: application/json" -d '{"refresh_token": "YOUR_REFRESH_TOKEN"}'`,
  whoami: `curl -X GET http://localhost:5000/whoami -H "Authorization: Bearer YOUR_ACCESS_TOKEN"`,
};

const hasCurl = await run('curl', ['--version']).then(
  () => true,
  () => false,
);

/** Runs a command in a shell with the port and the token replaced; answers what it printed. */
async function runCommand({ port }: FlowFixture, command: string, token: string) {
  const filled = command.replace(':5000', `:${port}`).replace(/YOUR_\w+_TOKEN/, token);
  const env = { ...process.env, NO_PROXY: '*' };
  const { stdout } = await run('sh', ['-c', `${filled} --silent --show-error --include`], { env });
  const [head = '', ...body] = stdout.split('\r\n\r\n');
  return { head, body: body.join('\r\n\r\n') };
}

describe('GET /auth/start', () => {
  it('redirects with a whole PKCE S256 request and a state of its own each time', async () => {
    await using fixture = await startFlow();
    const seen = new Set<string>();
    for (let tab = 0; tab < 5; tab += 1) {
      const answer = await send(`${fixture.url}/auth/start`);
      expect(answer.status).toBe(302);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      const location = new URL(answer.headers.get('location') ?? '');
      expect(location.href.startsWith(`${fixture.sandbox.authorizeUrl}?`)).toBe(true);
      const {
        state,
        code_challenge: challenge,
        ...fixed
      } = Object.fromEntries(location.searchParams);
      expect(fixed).toEqual({
        response_type: 'code',
        client_id: 'flow-app',
        redirect_uri: `http://localhost:${fixture.port}/auth/callback`,
        scope: 'accounts:read profiles:read',
        code_challenge_method: 'S256',
      });
      expect(state).toMatch(/^[\w-]{43,}$/);
      expect(challenge).toMatch(/^[\w-]{43}$/);
      seen.add(state!).add(challenge!);
    }
    expect(seen.size).toBe(10);
  });

  it('leaves one cookie for each attempt, for the callback only, out of reach of scripts', async () => {
    await using fixture = await startFlow();
    const names = new Set<string>();
    for (let tab = 0; tab < 3; tab += 1) {
      const answer = await send(`${fixture.url}/auth/start`);
      const [cookie = '', ...others] = answer.headers.getSetCookie();
      expect(others).toEqual([]);
      expect(cookie).toMatch(/; Path=\/auth\/callback(;|$)/);
      expect(cookie).toMatch(/; HttpOnly(;|$)/);
      expect(cookie).toMatch(/; SameSite=Lax(;|$)/);
      expect(cookie).toMatch(/; Max-Age=600(;|$)/);
      expect(cookie).not.toContain('Secure');
      const state = new URL(answer.headers.get('location') ?? '').searchParams.get('state') ?? '';
      expect(cookie).not.toContain(state);
      names.add(cookie.split('=', 1)[0]!);
    }
    expect(names.size).toBe(3);
  });

  it('marks the cookie Secure where the redirect URI is https', async () => {
    await using fixture = await startFlow({
      environment: { REDIRECT_URI: 'https://app.example/auth/callback' },
    });
    const answer = await send(`${fixture.url}/auth/start`);
    const [cookie = ''] = answer.headers.getSetCookie();
    expect(cookie).toMatch(/^__Host-keyshift_attempt_/);
    expect(cookie).toMatch(/; Path=\/(;|$)/);
    expect(cookie).toMatch(/; Secure(;|$)/);
    expect(cookie).not.toMatch(/domain/i);
  });

  it.each(eachDatabase)(
    'refuses a customer id that no customer can have: $database',
    async ({ create }) => {
      await using database = await create();
      await using fixture = await startFlow({ databaseUrl: database.url });
      for (const customer of ['a%00b', 'a%0Ab', 'x'.repeat(201)]) {
        const answer = await send(`${fixture.url}/auth/start?customer=${customer}`);
        expect([customer.slice(0, 5), answer.status]).toEqual([customer.slice(0, 5), 400]);
        expect(errorOf(answer).error).toBe('request_invalid');
      }
    },
  );
});

describe('the seed demo, without a browser', () => {
  it('answers the token JSON, never to be cached, after consent', async () => {
    await using fixture = await startFlow();
    const answer = await fixture
      .newBrowser()
      .signIn(`${fixture.url}/auth/start`, { account: accountOf(fixture, 2) });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const tokens = tokensOf(answer);
    expect(tokens.scope).toBe('accounts:read profiles:read');
    expect(tokens.expires_in).toBeGreaterThan(3_500);

    const whoami = await send(`${fixture.url}/whoami`, {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    });
    expect(whoami.headers.get('cache-control')).toBe('no-store');
    expect(accountIdOf(whoami)).toBe(accountOf(fixture, 2));

    const refreshed = await post(`${fixture.url}/auth/refresh`, {
      refresh_token: tokens.refresh_token,
    });
    expect(refreshed.headers.get('cache-control')).toBe('no-store');
    expect(tokensOf(refreshed).access_token).not.toBe(tokens.access_token);
    expect(fixture.sandbox.statistics()).toMatchObject({ exchanges: 1, refreshes: 1 });
  });

  it('lets two tabs of one browser that started at once both succeed, in either order', async () => {
    await using fixture = await startFlow();
    const browser = fixture.newBrowser();
    const start = `${fixture.url}/auth/start`;
    const [first, second] = await Promise.all([browser.start(start), browser.start(start)]);
    const callbacks = await Promise.all([
      approveConsent(first, { account: accountOf(fixture, 0) }),
      approveConsent(second, { account: accountOf(fixture, 1) }),
    ]);
    const answers = await Promise.all(callbacks.reverse().map((url) => browser.get(url)));
    for (const answer of answers) expect(answer.status).toBe(200);
    const [late, early] = answers.map((answer) => tokensOf(answer).access_token);
    expect(late).not.toBe(early);
    expect(browser.cookiesFor(callbacks[0])).toBe('');
  });

  it.skipIf(!hasCurl)('serves the two curl commands word for word', async () => {
    await using fixture = await startFlow();
    const answer = await fixture
      .newBrowser()
      .signIn(`${fixture.url}/auth/start`, { account: accountOf(fixture, 1) });
    const { refresh_token: refreshToken } = tokensOf(answer);

    const refreshed = await runCommand(fixture, commands.refresh, refreshToken);
    expect(refreshed.head).toMatch(/^HTTP\/1\.1 200 /);
    expect(refreshed.head.toLowerCase()).toContain('cache-control: no-store');
    const { access_token: accessToken } = tokensOf({ ...answer, body: refreshed.body });

    const whoami = await runCommand(fixture, commands.whoami, accessToken);
    expect(whoami.head).toMatch(/^HTTP\/1\.1 200 /);
    expect(accountIdOf({ ...answer, body: whoami.body })).toBe(accountOf(fixture, 1));
  });

  it.skipIf(!hasCurl)(
    'answers the placeholders of the two commands with a clear refusal',
    async () => {
      await using fixture = await startFlow();
      const refreshed = await runCommand(fixture, commands.refresh, 'YOUR_REFRESH_TOKEN');
      expect(refreshed.head).toMatch(/^HTTP\/1\.1 400 /);
      expect(JSON.parse(refreshed.body)).toMatchObject({ error: 'refresh_token_rejected' });
      const whoami = await runCommand(fixture, commands.whoami, 'YOUR_ACCESS_TOKEN');
      expect(whoami.head).toMatch(/^HTTP\/1\.1 401 /);
      expect(whoami.body).toContain('authentication_failed');
    },
  );
});
