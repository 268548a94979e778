import { describe, expect, it } from 'vitest';
import { openTestKeyshift, testSeed } from '../../../test/support/keyshift-fixture.ts';
import type { Secret } from '../../runtime/secret.ts';
import type { Fault } from '../../sandbox.ts';
import type { Connection } from '../../model/connection.ts';
import { parsePrivateKey } from '../../klaviyo/private-key.ts';
import { newConnection } from '../../model/connection.ts';
import { nameOfCheck } from '../../model/verification.ts';

const app = testSeed.apps[0]!;

/** A Keyshift that needs these scopes of an app which may ask for them. */
async function open(scopes = 'accounts:read profiles:read metrics:read events:write') {
  const bench = await openTestKeyshift({
    environment: { KLAVIYO_SCOPES: scopes },
    sandbox: { seed: { ...testSeed, apps: [{ ...app, scopes: scopes.split(' ') }] } },
  });
  const { store, clock } = bench.keyshift;
  const read = async (customerId = 'acme') =>
    (await store.connections.findByCustomer(customerId)) as Connection;
  return {
    ...bench,
    [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose](),
    read,
    async addWithKey(customerId = 'acme') {
      const fields = { customerId, stage: 'checked', route: 'key' } as const;
      const row = { ...newConnection(bench.keyshift, fields), accountId: 'AAA111' };
      const connection = await store.connections.insert(row);
      const key = parsePrivateKey('pk_alpha0123456789abcdef') as Secret<'private_key'>;
      await store.privateKeys.put(connection.id, key, clock.now());
      await store.privateKeys.prove(connection.id, key, 'AAA111');
      return read(customerId);
    },
    verify: async () => bench.keyshift.verify(await read(), { actor: 'cli' }),
    checks: async () => {
      const checks = await store.verifications.list((await read()).id);
      return Object.fromEntries(checks.map((check) => [nameOfCheck(check), check.verdict]));
    },
    /** Calls to Klaviyo's API since the last time, without `/api/accounts` of the consent. */
    apiCalls: () =>
      bench.sandbox
        .requests()
        .filter(({ path }) => path.startsWith('/api/'))
        .map(({ method, path }) => `${method} ${path}`),
  };
}

const noMetrics: Fault = {
  ...{ kind: 'status', status: 403, times: 1, match: { path: '/api/metrics' } },
  body: {
    errors: [
      {
        ...{ id: '1', status: 403, code: 'permission_denied', title: 'Forbidden' },
        detail: 'You do not have permission: missing required scopes: metrics:read',
      },
    ],
  },
};

describe('the verification after a consent', () => {
  it('tries one read for each read scope, writes nothing, and keeps what it found', async () => {
    await using bench = await open();
    await bench.addWithKey();
    await bench.consent({ customerId: 'acme' }, { account: 'AAA111' });
    expect(await bench.read()).toMatchObject({ stage: 'verified', route: 'key' });
    expect(await bench.checks()).toEqual({
      ...{ account: 'passed', scopes: 'passed' },
      ...{ 'read metrics:read': 'passed', 'read profiles:read': 'passed' },
    });
    // The account was learned by the consent: it is not asked for twice in one second.
    expect(bench.apiCalls().toSorted()).toEqual([
      'GET /api/accounts',
      'GET /api/metrics',
      'GET /api/profiles',
    ]);
  });

  it('leaves the connection at authorized while Klaviyo does not answer, to be asked again', async () => {
    await using bench = await open();
    await bench.addWithKey();
    bench.sandbox.addFault({ kind: 'html', status: 503, match: { path: '/api/metrics' } });
    await bench.consent({ customerId: 'acme' }, { account: 'AAA111' });
    expect(await bench.read()).toMatchObject({ stage: 'authorized', route: 'key' });
    expect(await bench.checks()).toMatchObject({ 'read metrics:read': 'unclear' });
    bench.sandbox.clearFaults();
    expect(await bench.verify()).toMatchObject({
      verdict: 'verified',
      connection: { stage: 'verified' },
    });
  });

  it('gives attention when a read shows that a granted scope is missing', async () => {
    await using bench = await open();
    await bench.addWithKey();
    bench.sandbox.addFault(noMetrics);
    const consent = await bench.consent({ customerId: 'acme' }, { account: 'AAA111' });
    expect(consent.missingScopes).toEqual(['metrics:read']);
    expect(await bench.read()).toMatchObject({
      ...{ stage: 'attention', attentionReason: 'scope_missing', route: 'key' },
    });
    expect(await bench.verify()).toMatchObject({
      verdict: 'verified',
      connection: { stage: 'verified', attentionReason: undefined },
    });
  });
});

describe('a later verification', () => {
  it('sees that the app needs more than was granted, and returns a canary to its key', async () => {
    await using bench = await open();
    await bench.addWithKey();
    await bench.consent({ customerId: 'acme' }, { account: 'AAA111' });
    await bench.keyshift.cutover.startCanary(await bench.read(), 20, 'cli');
    const key = { clientId: 'app-one', accountId: 'AAA111' };
    const { store, clock, tokens } = bench.keyshift;
    const grant = await store.grants.find(key);
    await store.grants.saveConsent(
      { ...key, id: 'other' },
      { ...grant!, scope: 'accounts:read profiles:read', obtainedAtMs: clock.now() },
    );
    tokens.forget(key);
    expect(await bench.verify()).toMatchObject({
      verdict: 'failed',
      connection: {
        ...{ stage: 'attention', attentionReason: 'scope_missing', attentionFrom: 'canary' },
        ...{ route: 'key', canaryPercent: undefined },
      },
    });
    expect(await store.verifications.list((await bench.read()).id)).toContainEqual(
      expect.objectContaining({ detail: 'not granted: metrics:read, events:write' }),
    );
  });

  it('names another account by Klaviyo, and does not call it verified', async () => {
    await using bench = await open();
    const connection = await bench.addWithKey();
    await bench.consent({ customerId: 'acme' }, { account: 'AAA111' });
    const account = { accountId: 'BBB222', name: 'Beta', testAccount: false };
    const verified = await bench.keyshift.verify(await bench.read(), { actor: 'cli', account });
    expect(verified).toMatchObject({
      verdict: 'failed',
      connection: { id: connection.id, attentionReason: 'account_mismatch', route: 'key' },
    });
  });

  it('says when the connection was given another account meanwhile, and keeps nothing', async () => {
    await using bench = await open();
    const { id } = await bench.addWithKey();
    await bench.consent({ customerId: 'acme' }, { account: 'AAA111' });
    const { store } = bench.keyshift;
    const before = await bench.read();
    const moved = await store.connections.update(before, { accountId: 'BBB222' }, 1);
    const kept = await store.verifications.list(id);
    expect(await bench.keyshift.verify(before, { actor: 'cli' })).toMatchObject({
      verdict: 'outdated',
      connection: { accountId: 'BBB222' },
    });
    expect(await bench.read()).toEqual(moved);
    expect(await store.verifications.list(id)).toEqual(kept);
  });

  it('refuses a connection without a grant, and one whose grant is dead', async () => {
    await using bench = await open();
    await bench.addWithKey();
    await expect(bench.verify()).rejects.toMatchObject({ code: 'grant_not_found' });
    await bench.consent({ customerId: 'acme' }, { account: 'AAA111' });
    bench.sandbox.uninstall('AAA111');
    await expect(bench.verify()).rejects.toMatchObject({ code: 'grant_lost' });
    expect(await bench.read()).toMatchObject({ attentionReason: 'grant_lost', route: 'key' });
  });

  it('moves on a connection whose account was installed before it was known', async () => {
    await using bench = await open();
    await bench.consent({}, { account: 'AAA111' });
    await bench.addWithKey();
    expect(await bench.verify()).toMatchObject({ connection: { stage: 'verified', route: 'key' } });
  });
});
