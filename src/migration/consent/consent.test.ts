import { describe, expect, it } from 'vitest';
import { openTestKeyshift, type TestKeyshift } from '../../../test/support/keyshift-fixture.ts';
import type { Fault } from '../../sandbox.ts';
import { checkKeys } from '../import/check-keys.ts';
import type { ExchangeFailure } from './consent.ts';
import { readCustomers } from '../import/customer-file.ts';
import { importCustomers } from '../import/import-customers.ts';

const alphaKey = 'pk_alpha0123456789abcdef';
const betaKey = 'pk_beta0123456789abcdef';

/** A Keyshift with one customer, acme, who holds the key given. */
async function open(key = alphaKey, options: { readonly check?: boolean } = {}) {
  const bench = await openTestKeyshift();
  const { store, machine, clock, random, invitations, lookUpAccount } = bench.keyshift;
  const batch = { store, machine, clock, random, actor: 'test' };
  const importKey = (value: string) =>
    importCustomers(readCustomers(`customer_id,private_key\nacme,${value}\n`), batch);
  const check = () => checkKeys({ store, machine, lookUpAccount, actor: 'test' });
  const acme = async () => {
    const connection = await store.connections.findByCustomer('acme');
    if (!connection) throw new Error('acme is gone');
    return connection;
  };
  const invite = async () => {
    const { invitation } = await invitations.issue(await acme(), 86_400_000, 'cli');
    return { invitationId: invitation.id };
  };
  const grantOf = (accountId: string) => store.grants.find({ clientId: 'app-one', accountId });
  await importKey(key);
  if (options.check !== false) await check();
  return { ...bench, importKey, check, acme, invite, grantOf };
}

const printed = (bench: TestKeyshift) => bench.logLines.join('');

describe('a consent that changes nothing', () => {
  it('is one that was denied: the link stays open', async () => {
    await using bench = await open();
    const binding = await bench.invite();
    await expect(bench.consent(binding, { decision: 'deny' })).rejects.toMatchObject({
      code: 'authorization_denied',
    });
    expect(await bench.acme()).toMatchObject({
      stage: 'attention',
      attentionReason: 'consent_denied',
      route: 'key',
    });
    expect(await bench.grantOf('AAA111')).toBeUndefined();
    await bench.consent(binding, { account: 'AAA111' });
    expect(await bench.acme()).toMatchObject({ stage: 'verified', attentionReason: undefined });
  });

  it('is one for another account than the key’s, and both are named without their ids', async () => {
    await using bench = await open();
    const binding = await bench.invite();
    const error: unknown = await bench
      .consent(binding, { account: 'BBB222' })
      .catch((failure: unknown) => failure);
    expect(error).toMatchObject({
      code: 'account_mismatch',
      expected: { name: 'Alpha & Sons', accountId: expect.stringMatching(/^AA/) },
      chosen: { name: 'Beta', accountId: expect.stringMatching(/^BB/) },
    });
    expect((error as Error).message).not.toMatch(/AAA111|BBB222/);
    expect(await bench.acme()).toMatchObject({
      stage: 'attention',
      attentionReason: 'account_mismatch',
      accountId: 'AAA111',
      route: 'key',
    });
    expect(await bench.grantOf('AAA111')).toBeUndefined();
    expect(await bench.grantOf('BBB222')).toBeUndefined();
    await bench.consent(binding, { account: 'AAA111' });
    expect(await bench.acme()).toMatchObject({ stage: 'verified' });
  });

  it('is one for the account before last, when the key was replaced by another account’s', async () => {
    await using bench = await open(alphaKey);
    const binding = await bench.invite();
    await bench.importKey(betaKey);
    const outcome = await bench
      .consent(binding, { account: 'AAA111' })
      .catch((failure: unknown) => failure);
    expect(outcome).toBeInstanceOf(Error);
    // The key on file is Beta's: traffic must not move to Alpha.
    expect((await bench.acme()).stage).not.toBe('verified');
  });

  it('is one for an account that the check found the key not to belong to', async () => {
    await using bench = await open(alphaKey);
    await bench.importKey(betaKey);
    await bench.check();
    expect(await bench.acme()).toMatchObject({ stage: 'checked', accountId: 'BBB222' });
    const outcome = await bench
      .invite()
      .then((binding) => bench.consent(binding, { account: 'AAA111' }))
      .catch((failure: unknown) => failure);
    expect(outcome).toBeInstanceOf(Error);
    expect((await bench.acme()).stage).not.toBe('verified');
  });

  it.each<[string, Fault, ExchangeFailure]>([
    ['an outage', { kind: 'status', status: 503, match: { path: '/oauth/token' } }, 'no_verdict'],
    ['the edge', { kind: 'html', match: { path: '/oauth/token' } }, 'no_verdict'],
    ['a broken connection', { kind: 'reset_after', match: { path: '/oauth/token' } }, 'no_verdict'],
    ['an incomplete answer', { kind: 'truncated', match: { path: '/oauth/token' } }, 'no_verdict'],
    ['an empty answer', { kind: 'empty', match: { path: '/oauth/token' } }, 'no_verdict'],
    [
      'a code that Klaviyo no longer knows',
      {
        kind: 'status',
        status: 400,
        body: { error: 'invalid_grant' },
        match: { path: '/oauth/token' },
      },
      'code_refused',
    ],
    [
      'a client secret that Klaviyo does not know',
      {
        kind: 'status',
        status: 401,
        body: { error: 'invalid_client' },
        match: { path: '/oauth/token' },
      },
      'client_refused',
    ],
    [
      'a refusal whose text speaks of another',
      {
        kind: 'status',
        status: 400,
        body: { error: 'invalid_request', error_description: 'not an invalid_grant' },
        match: { path: '/oauth/token' },
      },
      'request_refused',
    ],
    [
      'an answer without a refresh token',
      { kind: 'token_reply', omit: ['refresh_token'], match: { path: '/oauth/token' } },
      'no_refresh_token',
    ],
    [
      'an answer without an access token',
      { kind: 'token_reply', omit: ['access_token'], match: { path: '/oauth/token' } },
      'no_verdict',
    ],
  ])('is one whose exchange met %s', async (_name, fault, reason) => {
    await using bench = await open();
    const binding = await bench.invite();
    const before = await bench.acme();
    bench.sandbox.addFault(fault);
    await expect(bench.consent(binding, { account: 'AAA111' })).rejects.toMatchObject({
      code: 'exchange_failed',
      status: 400,
      reason,
    });
    expect(await bench.acme()).toEqual(before);
    expect(await bench.grantOf('AAA111')).toBeUndefined();
  });

  it('is one whose account Klaviyo does not tell', async () => {
    await using bench = await open();
    const binding = await bench.invite();
    const before = await bench.acme();
    bench.sandbox.addFault({ kind: 'html', status: 200, match: { path: '/api/accounts' } });
    await expect(bench.consent(binding, { account: 'AAA111' })).rejects.toMatchObject({
      code: 'account_unverified',
    });
    expect(await bench.acme()).toEqual(before);
    const unbound = await bench.consent({}, { account: 'AAA111' });
    expect(unbound).toMatchObject({ account: undefined, connections: [] });
    expect(await bench.grantOf('AAA111')).toBeUndefined();
  });

  it('is one against a key that was never checked and proves to be another account’s', async () => {
    await using bench = await open(betaKey, { check: false });
    await expect(
      bench.consent({ customerId: 'acme' }, { account: 'AAA111' }),
    ).rejects.toMatchObject({ code: 'account_mismatch' });
    expect(await bench.acme()).toMatchObject({ accountId: 'BBB222', route: 'key' });
    expect(await bench.grantOf('AAA111')).toBeUndefined();
  });

  it('is one against a key that was never checked and that Klaviyo does not know', async () => {
    await using bench = await open('pk_unknown0123456789', { check: false });
    await expect(
      bench.consent({ customerId: 'acme' }, { account: 'AAA111' }),
    ).rejects.toMatchObject({ code: 'account_unverified' });
    expect(await bench.grantOf('AAA111')).toBeUndefined();
    expect(await bench.acme()).toMatchObject({ route: 'key' });
  });
});

describe('a consent', () => {
  it('verifies the connection, and leaves its traffic on the key', async () => {
    await using bench = await open();
    const consent = await bench.consent(await bench.invite(), { account: 'AAA111' });
    expect(consent).toMatchObject({
      account: { accountId: 'AAA111', name: 'Alpha & Sons' },
      missingScopes: [],
      connections: [{ customerId: 'acme', stage: 'verified' }],
    });
    expect(await bench.acme()).toMatchObject({ stage: 'verified', route: 'key' });
    expect(await bench.grantOf('AAA111')).toMatchObject({ state: 'active', generation: 1 });
  });

  it('with fewer scopes than asked for says which lack, and waits', async () => {
    await using bench = await open();
    bench.sandbox.addFault({
      kind: 'token_reply',
      body: { scope: 'accounts:read' },
      match: { path: '/oauth/token' },
      times: 1,
    });
    const consent = await bench.consent(await bench.invite(), { account: 'AAA111' });
    expect(consent.missingScopes).toEqual(['profiles:read']);
    expect(await bench.acme()).toMatchObject({ attentionReason: 'scope_missing', route: 'key' });
  });

  it('without a word about scopes counts as what was asked for', async () => {
    await using bench = await open();
    const match = { path: '/oauth/token' };
    bench.sandbox.addFault({ kind: 'token_reply', omit: ['scope', 'expires_in'], match });
    const consent = await bench.consent(await bench.invite(), { account: 'AAA111' });
    expect(consent.missingScopes).toEqual([]);
    expect(consent.pair).toMatchObject({
      scope: 'accounts:read profiles:read',
      expiresAtMs: undefined,
    });
  });

  it('leaves no token, code or key in the log', async () => {
    await using bench = await open();
    const binding = await bench.invite();
    await bench.consent(binding, { account: 'BBB222' }).catch(() => undefined);
    const { pair } = await bench.consent(binding, { account: 'AAA111' });
    expect(printed(bench)).toContain('AAA111');
    for (const secret of [pair.accessToken, pair.refreshToken]) {
      expect(printed(bench)).not.toContain(secret.reveal());
    }
    expect(printed(bench)).not.toMatch(/pk_[a-z0-9]/i);
  });
});
