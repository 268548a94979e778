import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestSandbox, type TestSandbox } from '../../../test/support/sandbox-client.ts';

let test: TestSandbox;
beforeEach(async () => {
  test = await startTestSandbox({ rotation: 'rotate' });
});
afterEach(() => test.sandbox.close());

const statusOf = async (credential: string) => (await test.get('/api/accounts', credential)).status;

describe('scenarios', () => {
  it('lost-refresh-reply: the token is spent, the answer never comes, codes still work', async () => {
    const tokens = await test.install();
    const played = test.sandbox.playScenario('lost-refresh-reply', { times: 1 });
    expect(played).toEqual({
      name: 'lost-refresh-reply',
      did: 'The next 1 refresh replies are lost.',
    });
    const other = await test.install('BBB222');
    await expect(test.refresh(tokens.refresh_token)).rejects.toThrow();
    expect((await test.refresh(tokens.refresh_token)).at('error')).toBe('invalid_grant');
    expect((await test.refresh(other.refresh_token)).status).toBe(200);
  });

  it('lost-refresh-reply for one account leaves the others alone', async () => {
    const [one, other] = [await test.install('AAA111'), await test.install('BBB222')];
    test.sandbox.playScenario('lost-refresh-reply', { accountId: 'AAA111' });
    expect((await test.refresh(other.refresh_token)).status).toBe(200);
    await expect(test.refresh(one.refresh_token)).rejects.toThrow();
  });

  it('half-refresh-reply: half of the answer arrives', async () => {
    const tokens = await test.install();
    test.sandbox.playScenario('half-refresh-reply');
    await expect(test.refresh(tokens.refresh_token)).rejects.toThrow();
    expect(test.sandbox.statistics().refreshes).toBe(1);
  });

  it('sparse-token-reply: the answer has an access token and no more', async () => {
    const tokens = await test.install();
    test.sandbox.playScenario('sparse-token-reply');
    const reply = await test.refresh(tokens.refresh_token);
    expect(Object.keys(reply.json as object)).toEqual(['access_token', 'token_type']);
  });

  it('token-host-down: token calls break until it ends, the API goes on', async () => {
    const tokens = await test.install();
    test.sandbox.playScenario('token-host-down');
    await expect(test.refresh(tokens.refresh_token)).rejects.toThrow();
    await expect(test.revoke(tokens.refresh_token)).rejects.toThrow();
    expect(await statusOf(tokens.access_token)).toBe(200);
    expect(test.sandbox.endScenario('token-host-down')).toBe(true);
    expect((await test.refresh(tokens.refresh_token)).status).toBe(200);
  });

  it('slow-token-host: the answer waits for the clock', async () => {
    const tokens = await test.install();
    test.sandbox.playScenario('slow-token-host', { delayMs: 5_000, times: 1 });
    const refreshed = test.refresh(tokens.refresh_token);
    const live = () => test.sandbox.accounts()[0]?.installs[0]?.liveAccessTokens;
    while (live() !== 2) await new Promise((resolve) => setTimeout(resolve, 1));
    test.sandbox.advanceClock(5_000);
    expect((await refreshed).status).toBe(200);
  });

  it('edge-challenge: HTML with 403, as often as asked', async () => {
    test.sandbox.playScenario('edge-challenge', { times: 1 });
    const reply = await test.get('/api/accounts');
    expect([reply.status, reply.headers.get('cf-mitigated')]).toEqual([403, 'challenge']);
    expect(await statusOf('pk_alphafull')).toBe(200);
  });

  it('throttled: 429 with Retry-After, of one account', async () => {
    test.sandbox.playScenario('throttled', { retryAfterSec: 7, accountId: 'AAA111' });
    const reply = await test.get('/api/accounts');
    expect([reply.status, reply.headers.get('retry-after')]).toEqual([429, '7']);
    expect(await statusOf('pk_betafull')).toBe(200);
  });

  it('refresh-throttled: the refresh too many is refused, until it ends', async () => {
    await using plain = await startTestSandbox();
    const { refresh_token } = await plain.install();
    plain.sandbox.playScenario('refresh-throttled', { perMinute: 1 });
    expect((await plain.refresh(refresh_token)).status).toBe(200);
    expect((await plain.refresh(refresh_token)).status).toBe(429);
    plain.sandbox.endScenario('refresh-throttled');
    expect((await plain.refresh(refresh_token)).status).toBe(200);
  });

  it('bad-tokens-incident: refreshes succeed and every new access token gets 401', async () => {
    const tokens = await test.install();
    test.sandbox.playScenario('bad-tokens-incident');
    const second = await test.refresh(tokens.refresh_token);
    expect(second.status).toBe(200);
    expect(await statusOf(second.text('access_token'))).toBe(401);
    expect(await statusOf(tokens.access_token)).toBe(200);
    test.sandbox.endScenario('bad-tokens-incident');
    const third = await test.refresh(second.text('refresh_token'));
    expect(await statusOf(third.text('access_token'))).toBe(200);
  });

  it('clock-skew: tokens die before they say', async () => {
    test.sandbox.playScenario('clock-skew', { sec: 300 });
    const tokens = await test.install();
    expect(tokens.expires_in).toBe(3_600);
    await test.clock.advance(3_301_000);
    expect(await statusOf(tokens.access_token)).toBe(401);
  });

  it('secret-regenerated: the old secret is dead, the new one works, grants live', async () => {
    const tokens = await test.install('AAA111');
    const { clientSecret = '' } = test.sandbox.playScenario('secret-regenerated', {
      clientId: 'app-one',
    });
    const fields = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token };
    const refused = await test.form(test.sandbox.tokenUrl, fields);
    expect([refused.status, refused.at('error')]).toEqual([401, 'invalid_client']);
    const app = { clientId: 'app-one', clientSecret } as Parameters<typeof test.form>[2];
    expect((await test.form(test.sandbox.tokenUrl, fields, app)).status).toBe(200);
  });

  it('secret-regenerated with a grace: both work until it is over', async () => {
    const tokens = await test.install('AAA111');
    test.sandbox.playScenario('secret-regenerated', { clientId: 'app-one', graceSec: 60 });
    const second = await test.refresh(tokens.refresh_token);
    expect(second.status).toBe(200);
    await test.clock.advance(60_000);
    expect((await test.refresh(second.text('refresh_token'))).at('error')).toBe('invalid_client');
  });

  it('mass-uninstall: a share of the installs ends', async () => {
    await test.install('AAA111');
    await test.install('BBB222');
    expect(test.sandbox.playScenario('mass-uninstall', { share: 0.5 }).did).toBe(
      '1 of 2 installs ended.',
    );
    expect(test.sandbox.accounts().flatMap(({ installs }) => installs)).toHaveLength(1);
  });

  it('key-revoked: keys get 401 until it ends, and what was disabled before stays so', async () => {
    test.sandbox.playScenario('key-revoked', { accountId: 'AAA111' });
    expect(await statusOf('pk_alphafull')).toBe(401);
    expect(await statusOf('pk_betafull')).toBe(200);
    test.sandbox.endScenario('key-revoked');
    expect(await statusOf('pk_alphafull')).toBe(200);
    expect(await statusOf('pk_alphaoff')).toBe(401);
  });

  it('idle-grants: refresh tokens that nobody used are dead', async () => {
    const { refresh_token } = await test.install();
    test.sandbox.playScenario('idle-grants');
    expect((await test.refresh(refresh_token)).at('error')).toBe('invalid_grant');
  });

  it('duplicate-metrics: two metrics of one name, of the key and of the app', async () => {
    await test.install('AAA111');
    test.sandbox.playScenario('duplicate-metrics', { metric: 'Placed Order' });
    const { data } = (await test.get('/api/metrics')).json as {
      data: { attributes: { name: string; integration: { object: string } } }[];
    };
    const named = data.filter(({ attributes }) => attributes.name === 'Placed Order');
    expect(named.map(({ attributes }) => attributes.integration.object).toSorted()).toEqual([
      'application',
      'integration',
    ]);
  });

  it('are each tested here', async () => {
    const { readFile } = await import('node:fs/promises');
    const text = await readFile(new URL(import.meta.url), 'utf8');
    for (const { name } of test.sandbox.scenarios()) expect(text).toContain(`it('${name}`);
  });
});

describe('playing and ending', () => {
  it('is refused for a name that nobody knows, and for input that does not fit', () => {
    expect(() => test.sandbox.playScenario('nowhere')).toThrow(/no scenario named nowhere/);
    expect(() => test.sandbox.playScenario('mass-uninstall', { share: 2 })).toThrow(/share/);
    expect(test.sandbox.endScenario('mass-uninstall')).toBe(false);
  });

  it('shows which are under way; playing again replaces the one before', () => {
    const active = () =>
      test.sandbox
        .scenarios()
        .filter((each) => each.active)
        .map(({ name }) => name);
    test.sandbox.playScenario('throttled');
    test.sandbox.playScenario('throttled');
    expect([active(), test.sandbox.faults().length]).toEqual([['throttled'], 1]);
    test.sandbox.endScenario('throttled');
    expect([active(), test.sandbox.faults().length]).toEqual([[], 0]);
  });
});
