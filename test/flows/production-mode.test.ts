import { describe, expect, it } from 'vitest';
import { errorOf, post, send, tokensOf } from '../support/answer.ts';
import { pageAccept } from '../support/browser.ts';
import { startFlow } from '../support/flow-fixture.ts';
import { accountOf, migrateToLive } from '../support/migration-steps.ts';

describe('production mode', () => {
  it('does not claim a connection when the account could not be read and nothing was stored', async () => {
    await using fixture = await startFlow({ mode: 'production', deadlineMs: 400 });
    fixture.sandbox.addFault({ kind: 'html', status: 200, match: { path: '/api/accounts' } });
    const answer = await fixture
      .newBrowser()
      .signIn(`${fixture.url}/auth/start`, { account: accountOf(fixture, 0) });
    const key = { clientId: 'flow-app', accountId: accountOf(fixture, 0) };
    expect(await fixture.keyshift.store.grants.find(key)).toBeUndefined();
    expect(answer.body).not.toContain('Klaviyo is connected');
    expect(answer.status).toBe(400);
  });

  it.each([pageAccept, '*/*', 'application/json'])(
    'answers the callback without a token to a caller that accepts %s',
    async (accept) => {
      await using fixture = await startFlow({ mode: 'production' });
      const answer = await fixture
        .newBrowser(accept)
        .signIn(`${fixture.url}/auth/start`, { account: accountOf(fixture, 0) });
      expect(answer.status).toBe(200);
      expect(answer.headers.get('cache-control')).toContain('no-store');
      expect(answer.headers.get('content-type')).toMatch(
        accept === pageAccept ? /^text\/html/ : /^application\/json/,
      );
      const grant = await fixture.keyshift.store.grants.find({
        clientId: 'flow-app',
        accountId: accountOf(fixture, 0),
      });
      expect(grant?.state).toBe('active');
      expect(answer.body).not.toContain(grant!.accessToken.reveal());
      expect(answer.body).not.toContain(grant!.refreshToken.reveal());
      expect(answer.body).not.toMatch(/access_token|refresh_token|eyJ/);
    },
  );

  it.each(['/auth/callback/', '/OAuth/klaviyo', '/auth/callback?app=1'])(
    'meets customers where REDIRECT_URI sends them: %s',
    async (callbackPath) => {
      await using fixture = await startFlow({ mode: 'production', callbackPath });
      const answer = await fixture
        .newBrowser()
        .signIn(`${fixture.url}/auth/start`, { account: accountOf(fixture, 0) });
      expect([answer.status, answer.body]).toEqual([
        200,
        expect.stringContaining('The app is installed'),
      ]);
    },
  );

  it('refreshes for a service token only', async () => {
    await using fixture = await startFlow({ mode: 'production' });
    await migrateToLive(fixture, 'acme', 0);
    const key = { clientId: 'flow-app', accountId: accountOf(fixture, 0) };
    const grant = await fixture.keyshift.store.grants.find(key);
    const body = { refresh_token: grant!.refreshToken.reveal() };
    for (const authorization of ['', 'Bearer wrong', `Bearer ${body.refresh_token}`]) {
      const headers: Record<string, string> = authorization === '' ? {} : { authorization };
      const refused = await post(`${fixture.url}/auth/refresh`, body, headers);
      expect(refused.status).toBe(401);
      expect(errorOf(refused).error).toBe('unauthenticated');
    }
    expect(fixture.sandbox.statistics().refreshes).toBe(0);
    const allowed = await post(`${fixture.url}/auth/refresh`, body, {
      authorization: `Bearer ${fixture.secrets.serviceToken}`,
    });
    expect(allowed.headers.get('cache-control')).toBe('no-store');
    tokensOf(allowed);
    expect(fixture.sandbox.statistics().refreshes).toBe(1);
  });

  it('refuses to start for a customer by id, and starts nothing', async () => {
    await using fixture = await startFlow({ mode: 'production' });
    const answer = await send(`${fixture.url}/auth/start?customer=acme`);
    expect(answer.status).toBe(403);
    expect(errorOf(answer).error).toBe('customer_required');
    expect(answer.headers.getSetCookie()).toEqual([]);
    expect(answer.headers.get('location')).toBeNull();
  });

  it('refuses an empty customer id in the same way', async () => {
    await using fixture = await startFlow({ mode: 'production' });
    expect((await send(`${fixture.url}/auth/start?customer=`)).status).toBe(403);
  });

  it('shows no home page and no disconnect to strangers', async () => {
    await using fixture = await startFlow({ mode: 'production' });
    expect((await send(`${fixture.url}/`)).status).toBe(404);
    const answer = await post(`${fixture.url}/auth/disconnect`, { customer: 'acme' });
    expect(answer.status).toBe(401);
    expect(errorOf(answer).error).toBe('unauthenticated');
  });
});
