import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { controlRoutes } from '../control/control-routes.ts';
import {
  startTestSandbox,
  testSeed,
  type TestSandbox,
} from '../../../test/support/sandbox-client.ts';

let test: TestSandbox;
beforeEach(async () => {
  test = await startTestSandbox();
});
afterEach(() => test.sandbox.close());

/** Posts a form as a browser does from the page of the sandbox. */
const press = (path: string, fields: Record<string, string> = {}) =>
  test.request(`/_sandbox${path}`, {
    method: 'POST',
    headers: { accept: 'text/html', origin: test.sandbox.url },
    body: new URLSearchParams({ _back: '/#installs', ...fields }),
  });

describe('the page', () => {
  it('shows clock, installs, tokens alive, faults, scenarios, accounts and requests, no secret', async () => {
    const tokens = await test.install();
    test.sandbox.addFault({ match: { operation: 'oauth_refresh' }, kind: 'delay', delayMs: 5 });
    await test.get('/api/unicorns');
    const { status, body } = await test.request('/');
    expect(status).toBe(200);
    expect(body).toContain(new Date(test.clock.now()).toISOString());
    expect(body).toContain('1, 3600 s left');
    expect(body).toContain('oauth_refresh');
    expect(body).toContain('lost-refresh-reply');
    expect(body).toContain('pk_****full');
    expect(body).toContain('/api/unicorns');
    expect(body).not.toMatch(/<script|\son\w+=/i);
    const secrets = [
      ...testSeed.accounts.flatMap(({ keys }) => keys.map(({ key }) => key)),
      ...testSeed.apps.map(({ clientSecret }) => clientSecret),
      ...[tokens.access_token, tokens.refresh_token],
    ];
    for (const secret of secrets) expect(body).not.toContain(secret);
  });

  it('finds accounts, and takes the words of a search for text', async () => {
    const { body } = await test.request('/?q=%3Cb%3Ebeta');
    expect(body).toContain('value="&lt;b&gt;beta"');
    expect((await test.request('/?q=BETA')).body).toContain('<code>BBB222</code>');
    expect((await test.request('/?q=BETA')).body).not.toContain('<code>AAA111</code>');
  });

  it('has a form for every control route, whose fields the route takes', async () => {
    const { body } = await test.request('/_sandbox/forms');
    for (const { method, path, input } of controlRoutes) {
      const id = `${method.toLowerCase()}${path.replaceAll('/', '-')}`;
      const section = body.split(`<section id="${id}">`)[1]?.split('</section>')[0] ?? '';
      expect(section).toContain(`action="/_sandbox${path}"`);
      for (const name of Object.keys(input.shape)) {
        expect(section).toMatch(new RegExp(`name="${name}["\\.]`));
      }
    }
  });
});

describe('a button', () => {
  it('does what it says and leads back', async () => {
    await test.install();
    const reply = await press('/uninstall', { accountId: 'AAA111', clientId: 'app-one' });
    expect([reply.status, reply.headers.get('location')]).toEqual([303, '/#installs']);
    expect(test.sandbox.accounts()[0]?.installs).toEqual([]);
  });

  it('never leads elsewhere', async () => {
    for (const _back of ['https://evil.example/', '//evil.example', '/oauth/authorize', '']) {
      const reply = await press('/requests/clear', { _back });
      expect(reply.headers.get('location')).toBe('/');
    }
  });

  it('shows what a person wants to see: tokens, a key, a secret', async () => {
    const reply = await press('/install', { accountId: 'BBB222', clientId: 'app-one' });
    expect(reply.status).toBe(200);
    expect(reply.body).toContain('accessToken');
    expect((await press('/apps/secret', { clientId: 'app-one' })).body).toContain('clientSecret');
  });

  it('says in a page what was wrong', async () => {
    const reply = await press('/keys', { accountId: 'nobody' });
    expect(reply.status).toBe(404);
    expect(reply.body).toContain('The sandbox has no account nobody.');
  });

  it('takes numbers, words and lists from the fields of a form, left out where empty', async () => {
    const fault = {
      kind: 'status',
      status: '503',
      times: '2',
      delayMs: '',
      'match.path': '/api/*',
    };
    expect((await press('/faults', fault)).status).toBe(303);
    expect(test.sandbox.faults()[0]?.fault).toEqual({
      kind: 'status',
      status: 503,
      times: 2,
      match: { path: '/api/*' },
    });
    const settings = { 'settings.rotation': 'rotate', 'settings.limits': 'true' };
    await press('/settings', { ...settings, 'settings.codeLifetimeSec': '9' });
    expect(test.sandbox.settings()).toMatchObject({
      rotation: 'rotate',
      limits: true,
      codeLifetimeSec: 9,
    });
    await press('/keys', { accountId: 'BBB222', name: '123', scopes: '["metrics:read"]' });
    expect(test.sandbox.keys('BBB222').at(-1)).toMatchObject({
      name: '123',
      scopes: ['metrics:read'],
    });
    await press('/faults', { ...fault, '__proto__.polluted': 'yes' });
    expect({}).not.toHaveProperty('polluted');
  });
});
