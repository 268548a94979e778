import { describe, expect, it } from 'vitest';
import { approveConsent } from '../approve-consent.ts';
import {
  appOne,
  basic,
  send,
  startTestSandbox,
  testSeed,
} from '../../../test/support/sandbox-client.ts';
import type { SandboxSettings } from '../context/settings.ts';

const start = (settings: Partial<SandboxSettings>) => startTestSandbox({ settings });

describe('settings of OAuth', () => {
  it('reauthorizationEndsTokens: pairs from before live on, or die', async () => {
    for (const [ends, status] of [
      [false, 200],
      [true, 401],
    ] as const) {
      await using test = await start({ reauthorizationEndsTokens: ends });
      const before = await test.install();
      const after = await test.install();
      expect((await test.get('/api/accounts', before.access_token)).status).toBe(status);
      expect((await test.refresh(before.refresh_token)).status).toBe(ends ? 400 : 200);
      expect((await test.get('/api/accounts', after.access_token)).status).toBe(200);
      expect(test.sandbox.accounts()[0]?.installs).toHaveLength(1);
    }
  });

  it('refreshEndsAccessTokens: the access token from before dies at the refresh', async () => {
    await using test = await start({ refreshEndsAccessTokens: true });
    const tokens = await test.install();
    await test.refresh(tokens.refresh_token);
    expect((await test.get('/api/accounts', tokens.access_token)).status).toBe(401);
  });

  it('refreshTokenIdleDays: a token that is used lives on, one that is not dies', async () => {
    await using test = await start({ refreshTokenIdleDays: 2 });
    const [used, idle] = [await test.install('AAA111'), await test.install('BBB222')];
    await test.clock.advance(86_400_000);
    expect((await test.refresh(used.refresh_token)).status).toBe(200);
    await test.clock.advance(86_400_000);
    expect((await test.refresh(used.refresh_token)).status).toBe(200);
    expect((await test.refresh(idle.refresh_token)).at('error')).toBe('invalid_grant');
  });

  it('codeLifetimeSec: a code that waited too long is refused', async () => {
    await using test = await start({ codeLifetimeSec: 10 });
    const code = await test.obtainCode();
    await test.clock.advance(10_000);
    expect((await test.exchange(code)).at('error')).toBe('invalid_grant');
  });

  it('announcedTtlSec: expires_in says something else than the truth', async () => {
    await using test = await start({ announcedTtlSec: 600, accessTokenTtlSec: 60 });
    const tokens = await test.install();
    expect(tokens.expires_in).toBe(600);
    await test.clock.advance(60_000);
    expect((await test.get('/api/accounts', tokens.access_token)).status).toBe(401);
  });

  it('deadGrantError: a dead refresh token under the other name', async () => {
    await using test = await start({ deadGrantError: 'invalid_grant_type' });
    expect((await test.refresh('dead')).at('error')).toBe('invalid_grant_type');
    expect((await test.exchange('dead')).at('error')).toBe('invalid_grant');
  });

  it('clientCredentials: those in the body are refused, or taken where there is no Basic', async () => {
    for (const [clientCredentials, status] of [
      ['basic', 401],
      ['basic_or_body', 200],
    ] as const) {
      await using test = await start({ clientCredentials });
      const { refresh_token } = await test.install();
      const send = (client_secret: string) =>
        fetch(test.sandbox.tokenUrl, {
          method: 'POST',
          body: new URLSearchParams({
            grant_type: 'refresh_token',
            refresh_token,
            client_id: appOne.clientId,
            client_secret,
          }),
        });
      expect((await send(appOne.clientSecret)).status).toBe(status);
      expect((await send('wrong')).status).toBe(401);
      expect((await test.refresh(refresh_token)).status).toBe(200);
    }
  });

  it('basicCredentials: percent-encoded ones are refused, or taken beside raw ones', async () => {
    const encoded = basic(appOne.clientId, 'secret%2Done_with%2Ddashes');
    for (const [basicCredentials, status] of [
      ['raw', 401],
      ['raw_or_percent_encoded', 400],
    ] as const) {
      await using test = await start({ basicCredentials });
      const form = { grant_type: 'refresh_token', refresh_token: 'x' };
      const reply = await send(test.sandbox.tokenUrl, {
        method: 'POST',
        headers: { authorization: encoded },
        body: new URLSearchParams(form),
      });
      expect(reply.status).toBe(status);
      expect((await test.form(test.sandbox.tokenUrl, form)).status).toBe(400);
    }
  });

  it('revocationBody: an empty answer instead of {}', async () => {
    await using test = await start({ revocationBody: 'empty' });
    const { refresh_token } = await test.install();
    const reply = await test.revoke(refresh_token);
    expect([reply.status, reply.body]).toEqual([200, '']);
    expect((await test.refresh(refresh_token)).at('error')).toBe('invalid_grant');
  });
});

describe('the consent page', () => {
  const seed = {
    ...testSeed,
    users: [
      { email: 'ann@alpha.example', accounts: ['AAA111', 'BBB222'] },
      { email: 'tom@alpha.example', accounts: ['AAA111'], role: 'analyst' as const },
    ],
  };

  it('lets a person with several accounts choose', async () => {
    await using test = await startTestSandbox({ seed });
    const choice = { account: 'BBB222', user: 'ann@alpha.example' };
    await test.exchange(await test.obtainCode(choice));
    expect(test.sandbox.accounts().find(({ id }) => id === 'BBB222')?.installs).toHaveLength(1);
  });

  it('keeps a person whose role may not install apps, and the app hears nothing', async () => {
    await using test = await startTestSandbox({ seed });
    const consent = approveConsent(test.authorizationUrl(), {
      account: 'AAA111',
      user: 'tom@alpha.example',
    });
    await expect(consent).rejects.toMatchObject({
      code: 'authorization_failed',
      message: expect.stringContaining('has the role analyst'),
    });
    expect(test.sandbox.requests().at(-1)).toMatchObject({ status: 403, accountId: 'AAA111' });
  });

  it('comes back with a code that is over when the person took too long', async () => {
    await using test = await startTestSandbox();
    const code = await test.obtainCode({ decision: 'allow_expired' });
    const reply = await test.exchange(code);
    expect([reply.status, reply.at('error')]).toEqual([400, 'invalid_grant']);
  });

  it('warns of an app that Klaviyo has not reviewed, and of no other', async () => {
    const apps = [{ ...appOne, unverified: true }];
    await using unlisted = await startTestSandbox({ seed: { ...testSeed, apps } });
    expect((await send(unlisted.authorizationUrl())).body).toContain('Unverified app');
    await using listed = await startTestSandbox();
    expect((await send(listed.authorizationUrl())).body).not.toContain('Unverified app');
  });
});

describe('the marketplace', () => {
  it('opens the installation URL of an app, which leads back to the consent page', async () => {
    const installationUrl = 'http://localhost:5000/install';
    const apps = [{ ...appOne, installationUrl }];
    await using test = await startTestSandbox({ seed: { ...testSeed, apps } });
    expect((await test.request('/marketplace')).body).toContain('App &lt;One&gt;');
    const reply = await test.request('/marketplace/install?client_id=app-one');
    expect([reply.status, reply.headers.get('location')]).toEqual([302, installationUrl]);
    expect(test.sandbox.apps()[0]?.installationUrl).toBe(installationUrl);
  });

  it('has nothing to open for an app without one, or for nobody’s', async () => {
    await using test = await startTestSandbox();
    for (const id of ['app-one', 'nobody']) {
      const reply = await test.request(`/marketplace/install?client_id=${id}`);
      expect(reply.status).toBe(404);
    }
  });
});
