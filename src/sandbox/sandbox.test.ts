import { connect } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestSandbox, testSeed, type TestSandbox } from '../../test/support/sandbox-client.ts';
import { startSandbox } from './sandbox.ts';

describe('startSandbox', () => {
  it('refuses a wrong seed before it listens', async () => {
    const seed = { ...testSeed, accounts: [{ id: '?', name: 'x', keys: [] }] };
    await expect(startSandbox({ seed })).rejects.toMatchObject({ code: 'config_invalid' });
  });

  it('starts within 100 ms, with sample accounts when no seed is given', { retry: 3 }, async () => {
    const startedAt = performance.now();
    await using sandbox = await startSandbox();
    expect(performance.now() - startedAt).toBeLessThan(100);
    expect(sandbox.accounts()).toHaveLength(10);
    expect(sandbox).toMatchObject({
      apiUrl: sandbox.url,
      authorizeUrl: `${sandbox.url}/oauth/authorize`,
      tokenUrl: `${sandbox.url}/oauth/token`,
      revokeUrl: `${sandbox.url}/oauth/revoke`,
    });
  });

  it('is gone after close, open connections included', async () => {
    const { sandbox, request } = await startTestSandbox();
    expect((await request('/_sandbox/health')).json).toEqual({ status: 'ok' });
    await sandbox.close();
    await expect(request('/_sandbox/health')).rejects.toThrow();
  });
});

describe('pages of its own', () => {
  it('lists accounts and installs, and no key, token or client secret', async () => {
    await using test = await startTestSandbox();
    const tokens = await test.install();
    const page = await test.request('/');
    expect(page.status).toBe(200);
    expect(page.body).toContain('Alpha &amp; Sons');
    expect(page.body).toContain('App &lt;One&gt;');
    for (const hidden of [...secretsOf(), tokens.access_token, tokens.refresh_token]) {
      expect(page.body).not.toContain(hidden);
    }
  });

  it('says in plain text what it implements', async () => {
    await using test = await startTestSandbox();
    const help = await test.request('/_sandbox/help');
    expect(help.headers.get('content-type')).toContain('text/plain');
    expect(help.body).toContain('GET   /api/accounts/{id}');
    expect(help.body).not.toContain('/api/conversation-messages');
  });

  it('answers 404 to what nobody has, and 405 to other methods', async () => {
    await using test = await startTestSandbox();
    expect((await test.request('/nowhere')).status).toBe(404);
    expect((await test.request('//api/accounts')).status).toBe(401);
    expect((await test.request('/', { method: 'POST' })).status).toBe(405);
  });
});

const secretsOf = () => [
  ...testSeed.accounts.flatMap(({ keys }) => keys.map(({ key }) => key)),
  ...testSeed.apps.map(({ clientSecret }) => clientSecret),
];

describe('what the handle shows', () => {
  it('remembers requests without any secret', async () => {
    await using test = await startTestSandbox();
    const tokens = await test.install();
    await test.refresh(tokens.refresh_token);
    await test.get('/api/accounts', tokens.access_token);
    await test.get('/api/profiles', 'pk_alphametrics');
    await test.request(`/api/profiles/${tokens.access_token}?token=${tokens.refresh_token}`);
    await test.request('/api/profiles/pk_alphafull');
    await test.revoke(tokens.refresh_token);
    const requests = test.sandbox.requests();
    expect(
      requests.map(({ operation, credential, accountId, status }) => [
        operation,
        credential,
        accountId,
        status,
      ]),
    ).toEqual([
      ['oauth_authorize', 'none', undefined, 200],
      ['oauth_consent', 'none', 'AAA111', 302],
      ['oauth_exchange', 'none', 'AAA111', 200],
      ['oauth_refresh', 'none', 'AAA111', 200],
      ['get_accounts', 'oauth', 'AAA111', 200],
      ['get_profiles', 'key', 'AAA111', 403],
      ['get_profile', 'none', undefined, 401],
      ['get_profile', 'none', undefined, 401],
      ['oauth_revoke', 'none', 'AAA111', 200],
    ]);
    expect(requests.every(({ atMs }) => atMs === test.clock.now())).toBe(true);
    const shown = JSON.stringify([requests, test.sandbox.statistics(), test.sandbox.accounts()]);
    for (const hidden of [...secretsOf(), tokens.access_token, tokens.refresh_token]) {
      expect(shown).not.toContain(hidden.slice(0, 50));
    }
    expect(test.sandbox.statistics()).toMatchObject({ requests: 9, refreshes: 1, exchanges: 1 });
  });

  it('remembers the last 1,000 requests, oldest first, and counts all', async () => {
    await using test = await startTestSandbox();
    for (let call = 0; call < 1_010; call++) await test.request(`/path-${call}`);
    const requests = test.sandbox.requests();
    expect(requests).toHaveLength(1_000);
    expect([requests[0]?.path, requests.at(-1)?.path]).toEqual(['/path-10', '/path-1009']);
    expect(test.sandbox.statistics().requests).toBe(1_010);
  });

  it('uninstalls without telling the app: of one app or all, in one account', async () => {
    await using test = await startTestSandbox();
    const [one, two] = testSeed.apps;
    const first = await test.install('AAA111', one);
    const second = await test.install('AAA111', two);
    const other = await test.install('BBB222', one);
    expect(test.sandbox.uninstall('AAA111', 'app-one')).toBe(1);
    expect((await test.refresh(first.refresh_token)).at('error')).toBe('invalid_grant');
    expect((await test.get('/api/accounts', second.access_token)).status).toBe(200);
    expect(test.sandbox.uninstall('AAA111')).toBe(1);
    expect(test.sandbox.uninstall('AAA111')).toBe(0);
    expect((await test.get('/api/accounts', second.access_token)).status).toBe(401);
    expect((await test.get('/api/accounts', other.access_token)).status).toBe(200);
  });

  it('expires and invalidates access tokens, of one account or all; refresh tokens go on', async () => {
    await using test = await startTestSandbox();
    const first = await test.install('AAA111');
    const other = await test.install('BBB222');
    const statusOf = async (token: string) => (await test.get('/api/accounts', token)).status;
    expect(test.sandbox.expireAccessTokens('AAA111')).toBe(1);
    expect(await statusOf(first.access_token)).toBe(401);
    expect(await statusOf(other.access_token)).toBe(200);
    const renewed = (await test.refresh(first.refresh_token)).text('access_token');
    expect(await statusOf(renewed)).toBe(200);
    expect(test.sandbox.invalidateAccessTokens()).toBe(2);
    expect(await statusOf(renewed)).toBe(401);
    expect(await statusOf(other.access_token)).toBe(401);
    expect((await test.refresh(other.refresh_token)).status).toBe(200);
  });
});

describe('garbage', () => {
  let test: TestSandbox;
  beforeAll(async () => {
    test = await startTestSandbox();
  });
  afterAll(() => test.sandbox.close());

  it('refuses a body that is too large with 413 and goes on', async () => {
    const authorization = 'Klaviyo-API-Key pk_alphafull';
    const reply = await test.request('/api/events', {
      method: 'POST',
      headers: { authorization, revision: '2026-07-15', 'content-type': 'application/json' },
      body: ' '.repeat(5 * 1024 * 1024 + 1),
    });
    expect(reply.status).toBe(413);
    expect((await test.get('/api/accounts')).status).toBe(200);
  });

  it('survives a client that goes away in the middle of its body', async () => {
    const { port, hostname } = new URL(test.sandbox.url);
    const socket = connect(Number(port), hostname);
    socket.write('POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf');
    await new Promise((resolve) => setTimeout(resolve, 20));
    socket.destroy();
    expect((await test.get('/api/accounts')).status).toBe(200);
  });

  const paths = fc.oneof(
    fc.webPath(),
    fc.string().map((text) => `/api/${encodeURI(text.toWellFormed())}`),
    fc.constantFrom(
      '/api/profiles/%',
      '/api/profiles/%E0%A4%A',
      '/api/profiles/__proto__',
      '/api/events/constructor',
      '/api/profiles?page[cursor]=%00&page[size]=1e3',
      '/api/metrics?page[cursor]=bmV4dDo6c2VxOjo5OTk5OTk5OTk5OTk5OTk',
      '/oauth/token',
      '/oauth/revoke',
      '/oauth/authorize?client_id=app-one&redirect_uri=http://localhost:5000/auth/callback&state=%FF',
      '//',
      '/api//',
      '/client/',
    ),
  );
  const bodies = fc.oneof(
    fc.json(),
    fc.string(),
    fc.webQueryParameters(),
    fc.anything().map((value) => JSON.stringify({ data: { attributes: value } })),
    fc.constantFrom(
      'grant_type=refresh_token&refresh_token=%00',
      'grant_type=authorization_code&code=__proto__&redirect_uri=x',
      '{"data":{"type":"profile","attributes":{"__proto__":{"email":"a@b.co"}}}}',
      '{"data":{"type":"profile","attributes":{"email":"a@b.co","properties":{"__proto__":1}}}}',
    ),
  );
  const request = fc.record({
    path: paths,
    method: fc.constantFrom('GET', 'POST', 'PATCH', 'DELETE', 'PUT', 'OPTIONS', 'HEAD'),
    body: bodies,
    contentType: fc.constantFrom(
      'application/json',
      'application/vnd.api+json; charset=utf-8',
      'application/x-www-form-urlencoded',
      'text/plain',
      ';;;',
    ),
    authorization: fc.constantFrom(
      'Klaviyo-API-Key pk_alphafull',
      'Bearer x',
      `Basic ${Buffer.from('app-one:secret-one_with-dashes').toString('base64')}`,
      'Basic \u00ff',
      'garbage',
    ),
    revision: fc.constantFrom('2026-07-15', '2026-07-15.pre', 'x'),
  });

  it('always gets an answer that is not a 500', async () => {
    await fc.assert(
      fc.asyncProperty(request, async ({ path, method, body, contentType, ...headers }) => {
        const reply = await test.request(path, {
          method,
          headers: { 'content-type': contentType, ...headers },
          ...(method === 'GET' || method === 'HEAD' ? {} : { body: body.toWellFormed() }),
        });
        expect(reply.status === 501 || (reply.status >= 200 && reply.status < 500)).toBe(true);
      }),
      { numRuns: 400 },
    );
  });

  it('on the wire gets an answer or a closed connection, and the next client is served', async () => {
    const { port, hostname } = new URL(test.sandbox.url);
    const wire = (bytes: Uint8Array | string) =>
      new Promise<string>((resolve) => {
        let received = '';
        const socket = connect(Number(port), hostname, () => socket.end(bytes));
        socket.on('data', (chunk) => (received += chunk.toString('latin1')));
        socket.on('error', () => resolve(received));
        socket.on('close', () => resolve(received));
      });
    expect(await wire('CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n')).toContain(' 405 ');
    expect(await wire('GET http://x/api/accounts HTTP/1.1\r\nHost: x\r\n\r\n')).toContain(' 401 ');
    expect(await wire('GET * HTTP/1.1\r\nHost: x\r\n\r\n')).toContain(' 404 ');
    expect(await wire(`GET / HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(99_999)}\r\n\r\n`)).toContain(
      ' 431 ',
    );
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.uint8Array({ minLength: 1, maxLength: 300 }),
          fc.string().map((line) => `${line} HTTP/1.1\r\nHost: x\r\n\r\n`),
          fc.string().map((header) => `GET / HTTP/1.1\r\nHost: x\r\n${header}\r\n\r\n`),
        ),
        async (bytes) => {
          expect(await wire(bytes)).not.toContain(' 500 ');
        },
      ),
      { numRuns: 100 },
    );
    expect((await test.get('/api/accounts')).status).toBe(200);
  });
});
