import { describe, expect, it } from 'vitest';
import { startTestSandbox, testSeed } from '../../../test/support/sandbox-client.ts';
import { startSandbox } from '../sandbox.ts';

describe('snapshot and restore', () => {
  it('bring back installs, tokens, resources, settings, faults and the clock', async () => {
    await using test = await startTestSandbox();
    const tokens = await test.install();
    test.sandbox.addFault({ match: { path: '/x' }, kind: 'reset_after', times: 2 });
    test.sandbox.changeSettings({ accessTokenTtlSec: 60 });
    test.sandbox.freezeClock();
    const snapshot = test.sandbox.snapshot();

    test.sandbox.uninstall('AAA111');
    test.sandbox.clearFaults();
    test.sandbox.changeSettings({ accessTokenTtlSec: 5 });
    test.sandbox.resumeClock();
    test.sandbox.advanceClock(1_000_000);
    const attributes = { email: 'late@alpha.example' };
    await test.post('/api/profiles', { data: { type: 'profile', attributes } });
    expect((await test.get('/api/accounts', tokens.access_token)).status).toBe(401);

    test.sandbox.restore(JSON.parse(JSON.stringify(snapshot)) as typeof snapshot);
    expect(test.sandbox.snapshot()).toEqual(snapshot);
    expect((await test.get('/api/accounts', tokens.access_token)).status).toBe(200);
    expect((await test.get('/api/profiles')).body).not.toContain('late@alpha.example');
    expect(test.sandbox.settings().accessTokenTtlSec).toBe(60);
    expect(test.sandbox.clock()).toEqual(snapshot.clock);
    expect(test.sandbox.faults()).toMatchObject([{ remaining: 2 }]);
  });

  it('move a state to another sandbox, as over HTTP', async () => {
    await using one = await startTestSandbox();
    const tokens = await one.install();
    const text = (await one.request('/_sandbox/snapshot')).body;
    await using other = await startTestSandbox({ seed: { ...testSeed, accounts: [] } });
    const headers = { 'content-type': 'application/json' };
    const reply = await other.request('/_sandbox/restore', { method: 'POST', headers, body: text });
    expect(reply.status).toBe(200);
    expect((await other.refresh(tokens.refresh_token)).status).toBe(200);
  });

  it.each([
    ['nothing', undefined],
    ['another version', { version: 2 }],
    ['a state of another shape', { version: 1, data: { accounts: 1 } }],
  ])('refuses %s and changes nothing', async (_, value) => {
    await using test = await startTestSandbox();
    const before = test.sandbox.snapshot();
    expect(() => test.sandbox.restore(value as typeof before)).toThrow(/not a snapshot/);
    expect(test.sandbox.snapshot()).toEqual(before);
  });

  it('reset begins again with the seed', async () => {
    await using test = await startTestSandbox({ accessTokenTtlSec: 60 });
    const tokens = await test.install();
    test.sandbox.playScenario('throttled');
    test.sandbox.changeSettings({ accessTokenTtlSec: 5 });
    test.sandbox.deleteKey('pk_alphafull');
    test.sandbox.reset();
    expect(test.sandbox.accounts().flatMap(({ installs }) => installs)).toEqual([]);
    expect(test.sandbox.statistics().requests).toBe(0);
    expect(test.sandbox.settings().accessTokenTtlSec).toBe(60);
    expect(test.sandbox.scenarios().some(({ active }) => active)).toBe(false);
    expect((await test.get('/api/accounts')).status).toBe(200);
    expect((await test.refresh(tokens.refresh_token)).at('error')).toBe('invalid_grant');
  });
});

describe('seeds at run time', () => {
  it('add accounts, keys and apps, and leave what happened', async () => {
    await using test = await startTestSandbox();
    const tokens = await test.install();
    test.sandbox.addSeed({
      accounts: [
        { id: 'CCC333', name: 'Gamma', keys: [{ key: 'pk_gamma', name: 'K', scopes: 'full' }] },
      ],
      apps: [],
    });
    expect((await test.get('/api/accounts', 'pk_gamma')).at('data.0.id')).toBe('CCC333');
    expect((await test.get('/api/accounts', tokens.access_token)).status).toBe(200);
  });

  it('name what is wrong', async () => {
    await using test = await startTestSandbox();
    const seed = { accounts: [{ id: '?' }], apps: [] } as unknown as typeof testSeed;
    expect(() => test.sandbox.addSeed(seed)).toThrow(/accounts\[0\]\.id/);
  });

  it('may hold installs with tokens that are known beforehand', async () => {
    const installs = [
      {
        accountId: 'AAA111',
        clientId: 'app-one',
        scopes: ['accounts:read'],
        accessToken: 'an-access-token-of-a-test',
        refreshToken: 'a-refresh-token-of-a-test',
      },
    ];
    await using test = await startTestSandbox({ seed: { ...testSeed, installs } });
    expect((await test.get('/api/accounts', 'an-access-token-of-a-test')).status).toBe(200);
    expect((await test.get('/api/profiles', 'an-access-token-of-a-test')).status).toBe(403);
    expect((await test.refresh('a-refresh-token-of-a-test')).status).toBe(200);
  });
});

describe('randomSeed', () => {
  const play = async (randomSeed: number) => {
    await using sandbox = await startSandbox({ randomSeed });
    const [first] = sandbox.accounts();
    const tokens = sandbox.install({ accountId: first?.id ?? '' });
    const key = sandbox.createKey({ accountId: first?.id ?? '' });
    return { account: first?.id, tokens, key };
  };

  it('gives the same ids, keys and tokens for the same number, whatever the time', async () => {
    const one = await play(7);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await play(7)).toEqual(one);
    expect((await play(8)).tokens.accessToken).not.toBe(one.tokens.accessToken);
  });

  it('begins again at a reset', async () => {
    await using sandbox = await startSandbox({ randomSeed: 7 });
    const accountId = sandbox.accounts()[0]?.id ?? '';
    const first = sandbox.install({ accountId });
    sandbox.reset();
    expect(sandbox.install({ accountId })).toEqual(first);
  });
});
