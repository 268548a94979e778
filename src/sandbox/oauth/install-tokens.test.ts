import { describe, expect, it } from 'vitest';
import { appTwo, startTestSandbox } from '../../../test/support/sandbox-client.ts';

const dayMs = 24 * 3_600_000;

describe('refreshing', () => {
  it('refuses no token, an unknown one and another app’s as Authlib does', async () => {
    await using test = await startTestSandbox();
    const { refresh_token } = await test.install();
    const missing = await test.refresh('');
    expect(missing.json).toEqual({
      error: 'invalid_request',
      error_description: 'Missing "refresh_token" in request.',
    });
    for (const reply of [await test.refresh('nope'), await test.refresh(refresh_token, appTwo)]) {
      expect(reply.status).toBe(400);
      expect(reply.at('error')).toBe('invalid_grant');
    }
    expect((await test.refresh(refresh_token)).status).toBe(200);
  });

  it('keeps the refresh token and the earlier access token by default, as seen at Klaviyo', async () => {
    await using test = await startTestSandbox();
    const first = await test.install();
    const second = await test.refresh(first.refresh_token);
    expect(second.at('refresh_token')).toBe(first.refresh_token);
    expect(second.at('access_token')).not.toBe(first.access_token);
    for (const token of [first.access_token, second.text('access_token')]) {
      expect((await test.get('/api/accounts', token)).status).toBe(200);
    }
  });

  it('lets each access token live for its own lifetime', async () => {
    await using test = await startTestSandbox({ accessTokenTtlSec: 60 });
    const first = await test.install();
    expect(first.expires_in).toBe(60);
    await test.clock.advance(30_000);
    const second = await test.refresh(first.refresh_token);
    await test.clock.advance(30_000);
    expect((await test.get('/api/accounts', first.access_token)).status).toBe(401);
    expect((await test.get('/api/accounts', second.text('access_token'))).status).toBe(200);
  });

  it('lets a refresh token die after 90 days without use, and live on when it is used', async () => {
    await using test = await startTestSandbox();
    const used = await test.install('AAA111');
    const idle = await test.install('BBB222');
    await test.clock.advance(89 * dayMs);
    expect((await test.refresh(used.refresh_token)).status).toBe(200);
    await test.clock.advance(dayMs);
    expect((await test.refresh(idle.refresh_token)).at('error')).toBe('invalid_grant');
    expect((await test.refresh(used.refresh_token)).status).toBe(200);
  });

  it('rotate: answers a new token and forgets the old one', async () => {
    await using test = await startTestSandbox({ rotation: 'rotate' });
    const first = await test.install();
    const second = await test.refresh(first.refresh_token);
    expect(second.at('refresh_token')).not.toBe(first.refresh_token);
    expect((await test.refresh(first.refresh_token)).at('error')).toBe('invalid_grant');
    expect((await test.refresh(second.text('refresh_token'))).status).toBe(200);
  });

  it('rotate_with_reuse_detection: one use of an old token kills the whole family', async () => {
    await using test = await startTestSandbox({ rotation: 'rotate_with_reuse_detection' });
    const first = await test.install();
    const second = await test.refresh(first.refresh_token);
    const third = await test.refresh(second.text('refresh_token'));
    expect((await test.refresh(first.refresh_token)).at('error')).toBe('invalid_grant');
    expect((await test.refresh(third.text('refresh_token'))).at('error')).toBe('invalid_grant');
    const other = await test.install('BBB222');
    expect((await test.refresh(other.refresh_token)).status).toBe(200);
  });

  it('rotate_with_reuse_detection: still notices a token that was replaced long ago', async () => {
    await using test = await startTestSandbox({ rotation: 'rotate_with_reuse_detection' });
    const tokens = [(await test.install()).refresh_token];
    for (let round = 0; round < 50; round++) {
      tokens.push((await test.refresh(tokens.at(-1) ?? '')).text('refresh_token'));
    }
    await test.refresh(tokens[0] ?? '');
    expect((await test.refresh(tokens.at(-1) ?? '')).at('error')).toBe('invalid_grant');
  });

  it('rotate_with_grace: takes an old token once more, and not twice', async () => {
    await using test = await startTestSandbox({ rotation: 'rotate_with_grace' });
    const first = await test.install();
    const second = await test.refresh(first.refresh_token);
    const again = await test.refresh(first.refresh_token);
    expect(again.status).toBe(200);
    expect((await test.refresh(first.refresh_token)).at('error')).toBe('invalid_grant');
    for (const token of [second.text('refresh_token'), again.text('refresh_token')]) {
      expect((await test.refresh(token)).status).toBe(200);
    }
  });
});

describe('POST /oauth/revoke', () => {
  it('refuses wrong client credentials and a missing token', async () => {
    await using test = await startTestSandbox();
    const { refresh_token } = await test.install();
    const wrong = await test.revoke(refresh_token, { ...appTwo, clientSecret: 'wrong' });
    expect(wrong.status).toBe(401);
    expect(wrong.at('error')).toBe('invalid_client');
    expect((await test.revoke('')).at('error')).toBe('invalid_request');
    expect((await test.refresh(refresh_token)).status).toBe(200);
  });

  it('answers 200 to a token it does not know and to another app’s, and changes nothing', async () => {
    await using test = await startTestSandbox();
    const { refresh_token } = await test.install();
    for (const reply of [await test.revoke('nope'), await test.revoke(refresh_token, appTwo)]) {
      expect(reply.status).toBe(200);
      expect(reply.json).toEqual({});
    }
    expect((await test.refresh(refresh_token)).status).toBe(200);
  });

  it('uninstalls the app: every token of the account is dead, other accounts are untouched', async () => {
    await using test = await startTestSandbox();
    const ended = await test.install('AAA111');
    const other = await test.install('BBB222');
    const reply = await test.revoke(ended.refresh_token);
    expect(reply.status).toBe(200);
    expect(reply.json).toEqual({});
    expect((await test.get('/api/accounts', ended.access_token)).status).toBe(401);
    expect((await test.refresh(ended.refresh_token)).at('error')).toBe('invalid_grant');
    expect(test.sandbox.accounts()[0]?.installs).toEqual([]);
    expect((await test.get('/api/accounts', other.access_token)).status).toBe(200);
  });
});
