import { inspect } from 'node:util';
import { isKlaviyoTokenError, OAuthApi, OAuthSession, ProfilesApi } from 'klaviyo-api';
import { describe, expect, it } from 'vitest';
import { startSdkFlow, type SdkFixture } from '../../test/support/sdk-fixture.ts';
import { createTokenStorage } from './create-token-storage.ts';

/** The SDK as an application uses it that keeps its `OAuthApi`. */
function openSdk(fixture: SdkFixture, { adopt = true } = {}) {
  const storage = createTokenStorage(fixture.keyshift.face);
  const oAuthApi = new OAuthApi('flow-app', fixture.secrets.clientSecret, storage);
  Object.assign(oAuthApi, { tokenUrl: fixture.sandbox.tokenUrl });
  if (adopt) oAuthApi.refreshTokens = storage.refreshTokens;
  const profiles = new ProfilesApi(new OAuthSession('acme', oAuthApi));
  profiles.basePath = fixture.sandbox.apiUrl;
  return { storage, oAuthApi, profiles };
}

describe('an OAuthSession of the SDK over the token storage', () => {
  it('never spends the refresh token by itself, not even after a 401', async () => {
    await using fixture = await startSdkFlow({
      sandbox: { rotation: 'rotate_with_reuse_detection' },
    });
    const { profiles } = openSdk(fixture, { adopt: false });
    fixture.sandbox.invalidateAccessTokens();
    const error: unknown = await profiles.getProfiles().catch((reason: unknown) => reason);
    expect(isKlaviyoTokenError(error)).toBe(true);
    expect(error).toMatchObject({
      name: 'RETRIEVE_TOKEN_ERROR',
      cause: { code: 'request_invalid', fix: expect.stringContaining('refreshTokens') as string },
    });
    expect(fixture.refreshes()).toBe(0);
    expect((await fixture.grant()).state).toBe('active');
  });

  it('fails with the error of a lost grant', async () => {
    await using fixture = await startSdkFlow();
    const { profiles } = openSdk(fixture);
    fixture.sandbox.uninstall(fixture.accountId);
    fixture.clock.skip(3_600_000);
    await expect(profiles.getProfiles()).rejects.toMatchObject({ code: 'grant_lost' });
  });

  it('makes one refresh for 100 calls on an expired token', { timeout: 60_000 }, async () => {
    await using fixture = await startSdkFlow({ sandbox: { rotation: 'rotate' } });
    const { profiles } = openSdk(fixture);
    fixture.clock.skip(3_600_000);
    const calls = Array.from({ length: 100 }, () => profiles.getProfiles());
    await Promise.all(calls);
    expect(fixture.refreshes()).toBe(1);
  });

  it('makes one refresh for 100 calls that Klaviyo answers 401', { timeout: 60_000 }, async () => {
    await using fixture = await startSdkFlow({ sandbox: { rotation: 'rotate' } });
    const { profiles } = openSdk(fixture);
    fixture.sandbox.invalidateAccessTokens();
    const calls = Array.from({ length: 100 }, () => profiles.getProfiles());
    await Promise.all(calls);
    expect(fixture.refreshes()).toBe(1);
  });

  it('does not refresh again while Klaviyo refuses what it has just issued', async () => {
    await using fixture = await startSdkFlow();
    const { profiles } = openSdk(fixture);
    fixture.sandbox.addFault({ kind: 'status', status: 401, match: { path: '/api/profiles*' } });
    for (let i = 0; i < 3; i += 1) {
      await expect(profiles.getProfiles()).rejects.toMatchObject({ response: { status: 401 } });
    }
    expect(fixture.refreshes()).toBe(1);
    expect((await fixture.grant()).state).toBe('active');
  });
});

describe('retrieve', () => {
  it('refuses unknown customers, and customers on their key', async () => {
    await using fixture = await startSdkFlow();
    const { storage } = openSdk(fixture);
    await expect(storage.retrieve('nobody')).rejects.toMatchObject({
      code: 'connection_not_found',
    });
    const { store, cutover } = fixture.keyshift;
    await cutover.rollBack((await store.connections.findByCustomer('acme'))!, 'cli');
    await expect(storage.retrieve('acme')).rejects.toMatchObject({ code: 'stage_conflict' });
    await expect(storage.refreshTokens('acme')).rejects.toMatchObject({ code: 'stage_conflict' });
  });

  it('refuses a customer that is nothing, as a program has it without types, like save', async () => {
    await using fixture = await startSdkFlow();
    const { storage } = openSdk(fixture);
    const nothing = undefined as never;
    for (const call of [
      storage.retrieve(nothing),
      storage.refreshTokens(nothing),
      storage.save(nothing, nothing),
      storage.save('acme', nothing),
    ]) {
      await expect(call).rejects.toMatchObject({ code: 'request_invalid' });
    }
    expect((await fixture.grant()).generation).toBe(1);
  });

  it('gives tokens that do not print', async () => {
    await using fixture = await startSdkFlow();
    const { storage } = openSdk(fixture);
    const { accessToken } = await fixture.grant();
    for (const tokens of [await storage.retrieve('acme'), await storage.refreshTokens('acme')]) {
      expect(tokens.accessToken.length).toBeGreaterThan(20);
      expect(() => tokens.refreshToken).toThrow('does not hand out refresh tokens');
      const printed = `${inspect(tokens, { showHidden: true, depth: 9 })}${JSON.stringify(tokens)}`;
      expect(printed).not.toContain(tokens.accessToken);
    }
    expect((await storage.retrieve('acme')).accessToken).not.toBe(accessToken.reveal());
  });
});

describe('save', () => {
  it.each<[string, object]>([
    ['no refresh token', { accessToken: 'access', expiresAt: new Date() }],
    ['no access token', { refreshToken: 'refresh', expiresAt: new Date() }],
    ['an empty refresh token', { accessToken: 'access', refreshToken: ' ', expiresAt: new Date() }],
    ['an empty access token', { accessToken: '', refreshToken: 'refresh', expiresAt: new Date() }],
    ['a number', { accessToken: 'access', refreshToken: 1, expiresAt: new Date() }],
    ['null', { accessToken: 'access', refreshToken: null, expiresAt: new Date() }],
  ])('refuses %s and keeps the stored pair', async (_name, tokens) => {
    await using fixture = await startSdkFlow();
    const { storage } = openSdk(fixture);
    const before = await fixture.grant();
    await expect(storage.save('acme', tokens as never)).rejects.toMatchObject({
      code: 'request_invalid',
    });
    const after = await fixture.grant();
    expect(after.generation).toBe(before.generation);
    expect(after.refreshToken.equals(before.refreshToken)).toBe(true);
  });

  it('keeps the stored pair when the SDK was answered 200 without tokens', async () => {
    await using fixture = await startSdkFlow();
    const { oAuthApi } = openSdk(fixture, { adopt: false });
    const before = await fixture.grant();
    fixture.sandbox.addFault({ kind: 'empty', match: { path: '/oauth/token' } });
    const refreshed = oAuthApi.refreshTokens('acme', before.refreshToken.reveal());
    await expect(refreshed).rejects.toMatchObject({ name: 'SAVE_TOKEN_ERROR' });
    expect((await fixture.grant()).refreshToken.equals(before.refreshToken)).toBe(true);
  });

  it('refuses a token that Klaviyo does not know', async () => {
    await using fixture = await startSdkFlow();
    const { storage } = openSdk(fixture);
    const before = await fixture.grant();
    const tokens = { accessToken: 'made-up', refreshToken: 'made-up', expiresAt: new Date() };
    await expect(storage.save('acme', tokens)).rejects.toMatchObject({
      code: 'account_unverified',
    });
    expect((await fixture.grant()).generation).toBe(before.generation);
  });

  it('refuses the tokens of another account, and nothing of them is used', async () => {
    await using fixture = await startSdkFlow();
    const { storage } = openSdk(fixture);
    const other = await signInElsewhere(fixture, 1);
    const before = await fixture.grant();
    await expect(storage.save('acme', other)).rejects.toMatchObject({ code: 'account_mismatch' });
    expect((await fixture.grant()).generation).toBe(before.generation);
    expect((await storage.retrieve('acme')).accessToken).toBe(before.accessToken.reveal());
  });

  it('takes over a pair that the SDK refreshed, and the one before stays for recovery', async () => {
    await using fixture = await startSdkFlow({ sandbox: { rotation: 'rotate' } });
    const { oAuthApi, storage } = openSdk(fixture, { adopt: false });
    const before = await fixture.grant();
    const tokens = await oAuthApi.refreshTokens('acme', before.refreshToken.reveal());
    const after = await fixture.grant();
    expect(after.generation).toBe(before.generation + 1);
    expect(after.refreshToken.reveal()).toBe(tokens.refreshToken);
    expect(after.previousRefreshToken?.equals(before.refreshToken)).toBe(true);
    expect(after.scope).toBe(before.scope);
    expect((await storage.retrieve('acme')).accessToken).toBe(tokens.accessToken);
  });

  it('makes a connection for a customer that is new, on OAuth at once', async () => {
    await using fixture = await startSdkFlow();
    const { storage } = openSdk(fixture);
    await storage.save('newcomer', await signInElsewhere(fixture, 1));
    const connection = await fixture.keyshift.store.connections.findByCustomer('newcomer');
    expect(connection).toMatchObject({ route: 'oauth', stage: 'live' });
    expect((await storage.retrieve('newcomer')).accessToken).toBeTruthy();
  });

  it('takes a pair whose end the token endpoint did not tell', async () => {
    await using fixture = await startSdkFlow();
    const { storage } = openSdk(fixture);
    const tokens = await signInElsewhere(fixture, 1);
    await storage.save('newcomer', { ...tokens, expiresAt: new Date(Number.NaN) });
    expect((await storage.retrieve('newcomer')).accessToken).toBe(tokens.accessToken);
    const fresh = await storage.refreshTokens('newcomer');
    expect(fresh.expiresAt.getTime()).toBeGreaterThan(fixture.clock.now());
  });
});

/** Tokens of an account that consented elsewhere, as the SDK's `createTokens` hands them over. */
async function signInElsewhere(fixture: SdkFixture, index: number) {
  const account = fixture.seed.accounts[index]!.id;
  const answer = await fixture
    .newBrowser('application/json')
    .signIn(`${fixture.url}/auth/start`, { account });
  const tokens = JSON.parse(answer.body) as {
    access_token: string;
    refresh_token: string;
    expires_in: number;
  };
  return {
    accessToken: tokens.access_token,
    refreshToken: tokens.refresh_token,
    expiresAt: new Date(fixture.clock.now() + tokens.expires_in * 1000),
  };
}
