import { describe, expect, it } from 'vitest';
import {
  accountIdOf,
  apiErrorOf,
  errorOf,
  post,
  send,
  tokensOf,
} from '../../test/support/answer.ts';
import {
  bodyParser,
  createConnectApp,
  jsonParser,
  type ConnectApp,
} from '../../test/support/connect-app.ts';
import { startFlow, type FlowFixture, type FlowOptions } from '../../test/support/flow-fixture.ts';
import { accountOf, invite, keyOf, migrateToLive } from '../../test/support/migration-steps.ts';
import { createMiddleware } from './create-middleware.ts';

interface Mounted extends FlowFixture {
  readonly app: ConnectApp;
  /** Origin of the application. */
  readonly origin: string;
}

/** An application with Keyshift in it, mounted by `mount`. */
async function mountIn(
  mount: (app: ConnectApp, keyshift: FlowFixture['keyshift']) => void,
  options?: FlowOptions,
): Promise<Mounted> {
  const environment = { KLAVIYO_SCOPES: 'accounts:read profiles:read events:write' };
  const fixture = await startFlow({ environment, ...options });
  const app = createConnectApp();
  mount(app, fixture.keyshift);
  return {
    ...fixture,
    app,
    origin: await app.listen(),
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]();
      await fixture[Symbol.asyncDispose]();
    },
  };
}

const atRoot: Parameters<typeof mountIn>[0] = (app, keyshift) =>
  app.use(createMiddleware(keyshift.face));

/** Signs in and answers the tokens that a browser's callback was given. */
async function signIn(mounted: Mounted) {
  const account = accountOf(mounted, 0);
  return tokensOf(await mounted.newBrowser().signIn(`${mounted.url}/auth/start`, { account }));
}

describe('a middleware', () => {
  it('passes on every path that is not Keyshift’s, however close', async () => {
    await using mounted = await mountIn(atRoot);
    for (const path of [
      '/',
      '/auth',
      '/auth/login',
      '/auth/google/callback',
      '/auth/startled',
      '/connect',
      '/connected/x',
      '/console',
      '/healthz',
      '/whoami/x',
      '/assets/app.css',
      '/api/orders',
      '/apis',
      '/v1/x',
    ]) {
      const answer = await send(mounted.origin + path);
      expect([path, answer.status, answer.body]).toEqual([path, 404, 'nobody']);
    }
  });

  it('passes on an application’s own calls under /api, with their own bearer tokens', async () => {
    await using mounted = await mountIn(atRoot);
    const headers = { authorization: 'Bearer of-the-application' };
    expect((await send(`${mounted.origin}/api/profiles`, { headers })).body).toBe('nobody');
    expect((await post(`${mounted.origin}/api/profiles`, {}, headers)).body).toBe('nobody');
  });

  it('gives a browser the whole way from the invitation to the consent', async () => {
    await using mounted = await mountIn(atRoot, { mode: 'production' });
    await migrateToLive(mounted, 'acme', 0);
    const { keyshift } = mounted;
    await keyshift.disconnect((await keyshift.store.connections.findByCustomer('acme'))!, 'test');
    const link = (await invite(mounted, 'acme')).replace(mounted.url, mounted.origin);
    const page = await send(link, { headers: { accept: 'text/html' } });
    expect(page.status).toBe(200);
    const stylesheet = /href="(\/assets\/[^"]+)"/.exec(page.body)?.[1] ?? '';
    expect((await send(mounted.origin + stylesheet)).headers.get('content-type')).toContain('css');
    const start = await send(`${link}/start`);
    expect(start.status).toBe(302);
    expect(start.headers.get('location')).toContain(mounted.sandbox.authorizeUrl);
    expect(start.headers.get('set-cookie')).toContain('HttpOnly');
    const callback = await send(`${mounted.origin}/auth/callback?state=made-up&code=x`);
    expect(errorOf(callback).error).toBe('state_invalid');
  });

  it('answers the two calls of the seed demo', async () => {
    await using mounted = await mountIn(atRoot);
    const { access_token, refresh_token } = await signIn(mounted);
    const refreshed = await post(`${mounted.origin}/auth/refresh`, { refresh_token });
    expect(tokensOf(refreshed).access_token).not.toBe(access_token);
    const headers = { authorization: `Bearer ${access_token}` };
    const who = await send(`${mounted.origin}/whoami`, { headers });
    expect(accountIdOf(who)).toBe(accountOf(mounted, 0));
  });

  it('streams calls that are addressed to Keyshift through the proxy', async () => {
    await using mounted = await mountIn(atRoot);
    await migrateToLive(mounted, 'acme', 0);
    const { serviceToken } = mounted.secrets;
    for (const headers of [
      { authorization: `Klaviyo-API-Key ${keyOf(mounted, 0)}` },
      { authorization: `Bearer ${serviceToken}`, 'keyshift-customer': 'acme' },
      { authorization: `Bearer ${serviceToken}`, 'keyshift-account': accountOf(mounted, 0) },
    ]) {
      const answer = await send(`${mounted.origin}/api/accounts`, { headers });
      expect(answer.headers.get('keyshift-route')).toBe('oauth');
      expect(accountIdOf(answer)).toBe(accountOf(mounted, 0));
    }
    const stranger = { authorization: `Klaviyo-API-Key pk_${'9'.repeat(34)}` };
    const refused = await send(`${mounted.origin}/api/accounts`, { headers: stranger });
    expect([refused.status, apiErrorOf(refused).code]).toEqual([401, 'not_authenticated']);
  });
});

describe('a middleware behind a body parser', () => {
  const behindJson: typeof atRoot = (app, keyshift) => {
    app.use(jsonParser);
    atRoot(app, keyshift);
  };

  it('says where it should be when the parser left nothing to send on', async () => {
    const nothing: typeof atRoot = (app, keyshift) => {
      app.use(bodyParser(() => undefined));
      atRoot(app, keyshift);
    };
    await using mounted = await mountIn(nothing);
    await migrateToLive(mounted, 'acme', 0);
    const refresh = errorOf(await post(`${mounted.origin}/auth/refresh`, { refresh_token: 'x' }));
    expect(refresh).toMatchObject({
      error: 'request_invalid',
      fix: expect.stringContaining('before the body parser') as string,
    });
    const before = mounted.sandbox.statistics().requests;
    const headers = { authorization: `Klaviyo-API-Key ${keyOf(mounted, 0)}` };
    const proxied = await post(`${mounted.origin}/api/events`, event('a@b.example'), headers);
    expect(proxied.status).toBe(400);
    expect(proxied.headers.get('keyshift-error')).toBe('request_invalid');
    expect(apiErrorOf(proxied).detail).toContain('before the body parser');
    expect(mounted.sandbox.statistics().requests).toBe(before);
  });

  it('does not take the fields of a form for JSON', async () => {
    await using mounted = await mountIn((app, keyshift) => {
      app.use(bodyParser((text) => Object.fromEntries(new URLSearchParams(text))));
      atRoot(app, keyshift);
    });
    const answer = await send(`${mounted.origin}/auth/refresh`, {
      method: 'POST',
      body: new URLSearchParams({ refresh_token: 'x' }),
    });
    expect(errorOf(answer).fix).toContain('before the body parser');
  });

  it('uses what the parser made of JSON', async () => {
    await using mounted = await mountIn(behindJson);
    const { refresh_token } = await signIn(mounted);
    expect(tokensOf(await post(`${mounted.origin}/auth/refresh`, { refresh_token }))).toBeTruthy();
    await migrateToLive(mounted, 'acme', 1);
    const headers = {
      authorization: `Klaviyo-API-Key ${keyOf(mounted, 1)}`,
      revision: '2026-07-15',
    };
    const answer = await post(
      `${mounted.origin}/api/events`,
      event('e@shop.example', 'für Zoë: ☕'),
      headers,
    );
    expect([answer.status, answer.body]).toEqual([202, '']);
    expect(answer.headers.get('keyshift-route')).toBe('oauth');
  });

  it('sends a parsed body again after a refreshed token, a long one too', async () => {
    await using mounted = await mountIn(behindJson);
    await migrateToLive(mounted, 'acme', 0);
    const headers = {
      authorization: `Klaviyo-API-Key ${keyOf(mounted, 0)}`,
      revision: '2026-07-15',
    };
    const url = `${mounted.origin}/api/events`;
    mounted.clock.skip(120_000);
    mounted.sandbox.invalidateAccessTokens();
    expect((await post(url, event('a@shop.example'), headers)).status).toBe(202);
    expect(mounted.sandbox.statistics().refreshes).toBe(1);
    const long = event('b@shop.example', 'x'.repeat(300_000));
    expect((await post(url, long, headers)).status).toBe(202);
  });

  it('uses the bytes where the application keeps them', async () => {
    await using mounted = await mountIn((app, keyshift) => {
      app.use(bodyParser((text) => Buffer.from(text)));
      atRoot(app, keyshift);
    });
    const { refresh_token } = await signIn(mounted);
    expect(tokensOf(await post(`${mounted.origin}/auth/refresh`, { refresh_token }))).toBeTruthy();
  });

  it('has no trouble with requests that hold no body', async () => {
    await using mounted = await mountIn(behindJson);
    await migrateToLive(mounted, 'acme', 0);
    const headers = { authorization: `Klaviyo-API-Key ${keyOf(mounted, 0)}` };
    const answer = await send(`${mounted.origin}/api/accounts`, { headers });
    expect(accountIdOf(answer)).toBe(accountOf(mounted, 0));
    for (const path of ['/auth/start', '/auth/install']) {
      expect((await send(mounted.origin + path)).status).toBe(302);
    }
  });
});

describe('a middleware under a path', () => {
  const under: typeof atRoot = (app, keyshift) =>
    app.use('/klaviyo', createMiddleware(keyshift.face));

  it('links to nothing outside of its path', async () => {
    await using mounted = await mountIn(under, { mode: 'production' });
    await migrateToLive(mounted, 'acme', 0);
    const { keyshift } = mounted;
    await keyshift.disconnect((await keyshift.store.connections.findByCustomer('acme'))!, 'test');
    const { pathname } = new URL(await invite(mounted, 'acme'));
    const accept = 'text/html';
    for (const path of [pathname, '/connect/unknown', '/auth/callback?state=x']) {
      const page = await send(`${mounted.origin}/klaviyo${path}`, { headers: { accept } });
      const links = [...page.body.matchAll(/(?:href|action|src)="([^"]+)"/g)].map(([, to]) => to);
      expect(links.length).toBeGreaterThan(0);
      for (const link of links) expect(link).toMatch(/^(\/klaviyo\/|data:)/);
      const stylesheet = links.find((link) => link?.includes('/assets/')) ?? '';
      const css = await send(mounted.origin + stylesheet);
      expect(css.headers.get('content-type')).toContain('css');
    }
    const start = await send(`${mounted.origin}/klaviyo${pathname}/start`);
    expect(start.status).toBe(302);
  });

  it('links to no other host, whatever path a request was sent to', async () => {
    const anywhere: typeof atRoot = (app, keyshift) => {
      const middleware = createMiddleware(keyshift.face);
      app.use((request, response, next) => {
        request.originalUrl = `//evil.example${request.url ?? ''}`;
        middleware(request, response, next);
      });
    };
    await using mounted = await mountIn(anywhere);
    const headers = { accept: 'text/html' };
    const page = await send(`${mounted.origin}/connect/unknown`, { headers });
    expect(page.body).toContain('href="/assets/');
    expect(page.body).not.toContain('evil');
  });

  it('serves programs', async () => {
    await using mounted = await mountIn(under);
    await migrateToLive(mounted, 'acme', 0);
    const headers = { authorization: `Klaviyo-API-Key ${keyOf(mounted, 0)}` };
    const answer = await send(`${mounted.origin}/klaviyo/api/accounts`, { headers });
    expect(accountIdOf(answer)).toBe(accountOf(mounted, 0));
    expect((await send(`${mounted.origin}/klaviyo/whoami`)).status).toBe(401);
    expect((await send(`${mounted.origin}/whoami`)).body).toBe('nobody');
  });
});

function event(email: string, note = '') {
  return {
    data: {
      type: 'event',
      attributes: {
        properties: { note },
        metric: { data: { type: 'metric', attributes: { name: 'Order Placed' } } },
        profile: { data: { type: 'profile', attributes: { email } } },
      },
    },
  };
}
