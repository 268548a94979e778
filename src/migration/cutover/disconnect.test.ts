import { describe, expect, it } from 'vitest';
import { loseGrant } from '../../../test/store/contract/contract-test.ts';
import { createFakeOAuthClient, granted } from '../../../test/support/fake-oauth-client.ts';
import {
  benchClientId,
  openTestBench,
  type ConnectionFields,
} from '../../../test/support/workbench-fixture.ts';
import { createCredentials } from '../../calls/credentials.ts';
import { KeyshiftError } from '../../errors/keyshift-error.ts';
import { createLogger } from '../../runtime/logger.ts';
import type { TokenOutcome } from '../../oauth/token-outcome.ts';
import { defaultBudgets, type RefreshBudgets } from '../../tokens/refresh-policy.ts';
import { createTokenEngine } from '../../tokens/token-engine.ts';
import { createDisconnect } from './disconnect.ts';

const key = 'pk_0123456789abcdef';
const live: ConnectionFields = { stage: 'live', route: 'oauth', accountId: 'AAA111' };

async function open(budgets: RefreshBudgets = defaultBudgets) {
  const bench = await openTestBench();
  const oauth = createFakeOAuthClient();
  const logger = createLogger({ level: 'silent' });
  const tokens = createTokenEngine({ ...bench, oauth, logger, budgets });
  const disconnect = createDisconnect({ ...bench, tokens, clientId: benchClientId });
  const credentials = createCredentials({ ...bench, tokens, clientId: benchClientId });
  const credentialOf = async (customerId: string) => {
    try {
      return (await credentials.forConnection(await bench.read(customerId))).route;
    } catch (error) {
      return (error as KeyshiftError).code;
    }
  };
  const stateOf = async (accountId: string) =>
    (await bench.store.grants.find({ clientId: benchClientId, accountId }))?.state;
  return { ...bench, oauth, tokens, disconnect, credentialOf, stateOf };
}

describe('a disconnect that fails at Klaviyo', () => {
  it.each(['upstream_unreachable', 'upstream_timeout', 'client_rejected'] as const)(
    'changes nothing: %s',
    async (code) => {
      await using bench = await open();
      const connection = await bench.add('acme', { ...live, key });
      await bench.grant('AAA111');
      bench.oauth.failRevocation(new KeyshiftError(code, 'no'));
      await expect(bench.disconnect(connection, 'console')).rejects.toMatchObject({ code });
      expect(await bench.read('acme')).toEqual(connection);
      expect(await bench.stateOf('AAA111')).toBe('active');
      const { id } = (await bench.store.grants.find({
        clientId: benchClientId,
        accountId: 'AAA111',
      }))!;
      expect(await bench.store.grants.readLease(id)).toMatchObject({ owner: undefined });
    },
  );
});

describe('a disconnect while a refresh is on the wire', () => {
  const grantKey = { clientId: benchClientId, accountId: 'AAA111' };

  it('waits for it, and revokes the refresh token that it brings', async () => {
    await using bench = await open();
    const connection = await bench.add('acme', { ...live, key });
    await bench.grant('AAA111');
    await bench.clock.advance(3_600_000);
    const answer = Promise.withResolvers<TokenOutcome>();
    bench.oauth.answerRefresh(() => answer.promise);
    const refresh = bench.tokens.liveGrant(grantKey);
    await expect.poll(() => bench.oauth.spent.length).toBe(1);
    const disconnect = bench.disconnect(connection, 'console');
    await bench.clock.advance(1_000);
    expect(bench.oauth.revoked).toEqual([]);
    answer.resolve(granted({ refreshToken: 'rotated' }));
    await refresh;
    await bench.clock.advance(1_000);
    expect(await disconnect).toBe(true);
    expect(bench.oauth.revoked).toEqual(['rotated']);
    expect(await bench.stateOf('AAA111')).toBe('revoked');
  });

  it.each([
    ['a minute, as by default', defaultBudgets],
    ['as long as is configured', { httpMs: 1_000, leaseMs: 2_000, waitMs: 5_000 }],
  ])('gives up after %s, with nothing changed', async (_, budgets) => {
    await using bench = await open(budgets);
    const connection = await bench.add('acme', { ...live, key });
    const { id } = await bench.grant('AAA111');
    const nowMs = bench.clock.now();
    const lease = { generation: 1, owner: 'other', nowMs, expiresAtMs: nowMs + 3_600_000 };
    await bench.store.grants.acquireLease(id, lease);
    const disconnect = bench.disconnect(connection, 'console').catch((error: unknown) => error);
    const seconds = budgets.waitMs / 1_000 + 10;
    for (let passed = 0; passed < seconds; passed += 1) await bench.clock.advance(1_000);
    expect(await disconnect).toMatchObject({ code: 'upstream_timeout' });
    expect(bench.oauth.revoked).toEqual([]);
    expect(await bench.read('acme')).toEqual(connection);
  });
});

describe('a disconnect', () => {
  it('uninstalls the app and returns the traffic to the key', async () => {
    await using bench = await open();
    const connection = await bench.add('acme', { ...live, key });
    await bench.grant('AAA111');
    expect(await bench.disconnect(connection, 'service:shop')).toBe(true);
    expect(bench.oauth.revoked).toEqual(['refresh-token-of-AAA111']);
    expect(await bench.stateOf('AAA111')).toBe('revoked');
    expect(await bench.read('acme')).toMatchObject({
      stage: 'checked',
      route: 'key',
      liveSinceMs: undefined,
    });
    expect(await bench.auditOf('acme')).toEqual(['live → checked, service:shop: disconnected']);
    expect(await bench.credentialOf('acme')).toBe('key');
  });

  it('of a canary leaves neither its share nor its time behind', async () => {
    await using bench = await open();
    const canary = { stage: 'canary', route: 'canary', canaryPercent: 25 } as const;
    const watchedSinceMs = bench.clock.now();
    const fields = { ...canary, watchedSinceMs, accountId: 'AAA111', key };
    const connection = await bench.add('acme', fields);
    await bench.grant('AAA111');
    await bench.disconnect(connection, 'console');
    expect(await bench.read('acme')).toMatchObject({
      ...{ stage: 'checked', route: 'key', canaryPercent: undefined, watchedSinceMs: undefined },
    });
  });

  it.each(['live', 'retired'] as const)(
    'of a connection without a key leaves it to a person, from %s',
    async (stage) => {
      await using bench = await open();
      const connection = await bench.add('acme', { ...live, stage });
      await bench.grant('AAA111');
      expect(await bench.disconnect(connection, 'console')).toBe(true);
      expect(await bench.read('acme')).toMatchObject({
        stage: 'attention',
        attentionReason: 'grant_lost',
        attentionFrom: stage,
      });
      expect(await bench.credentialOf('acme')).toBe('grant_lost');
    },
  );

  it('does not uninstall the app under another customer of the same account', async () => {
    await using bench = await open();
    const connection = await bench.add('acme', { ...live, key });
    const other = await bench.add('other', live);
    await bench.grant('AAA111');
    expect(await bench.disconnect(connection, 'console')).toBe(false);
    expect(bench.oauth.revoked).toEqual([]);
    expect(await bench.stateOf('AAA111')).toBe('active');
    expect(await bench.read('other')).toEqual(other);
    expect(await bench.credentialOf('other')).toBe('oauth');
    expect(await bench.credentialOf('acme')).toBe('key');
  });

  it('ends the use of a shared grant also for a customer who has no key to return to', async () => {
    await using bench = await open();
    const connection = await bench.add('acme', { ...live, stage: 'retired' });
    await bench.add('other', live);
    await bench.grant('AAA111');
    await bench.disconnect(connection, 'console');
    expect(await bench.credentialOf('acme')).not.toBe('oauth');
    expect(await bench.credentialOf('other')).toBe('oauth');
  });

  it('uninstalls with the last customer of a shared account', async () => {
    await using bench = await open();
    await bench.add('acme', { ...live, key });
    await bench.add('other', { ...live, key });
    await bench.grant('AAA111');
    expect(await bench.disconnect(await bench.read('acme'), 'console')).toBe(false);
    expect(await bench.disconnect(await bench.read('other'), 'console')).toBe(true);
    expect(await bench.stateOf('AAA111')).toBe('revoked');
  });

  it('is not held up by a customer of the same account who never consented', async () => {
    await using bench = await open();
    const connection = await bench.add('acme', { ...live, key });
    await bench.add('other', { stage: 'invited', accountId: 'AAA111', key });
    await bench.grant('AAA111');
    expect(await bench.disconnect(connection, 'console')).toBe(true);
  });

  it('of a connection whose grant was lost returns it to its key', async () => {
    await using bench = await open();
    const grant = await bench.grant('AAA111');
    await loseGrant(bench.store, grant.id, grant.generation);
    const fields = { attentionReason: 'grant_lost', attentionFrom: 'live' } as const;
    const connection = await bench.add('acme', { ...live, stage: 'attention', ...fields, key });
    expect(await bench.disconnect(connection, 'console')).toBe(false);
    expect(bench.oauth.revoked).toEqual([]);
    expect(await bench.credentialOf('acme')).toBe('key');
  });

  it('of a connection that never consented does nothing', async () => {
    await using bench = await open();
    const connection = await bench.add('acme', { stage: 'invited', accountId: 'AAA111', key });
    const unknown = await bench.add('new', { key });
    expect(await bench.disconnect(connection, 'console')).toBe(false);
    expect(await bench.disconnect(unknown, 'console')).toBe(false);
    expect(await bench.read('acme')).toEqual(connection);
    expect(await bench.read('new')).toEqual(unknown);
  });

  it('done twice is done once', async () => {
    await using bench = await open();
    const connection = await bench.add('acme', { ...live, key });
    await bench.grant('AAA111');
    await bench.disconnect(connection, 'console');
    expect(await bench.disconnect(connection, 'console')).toBe(false);
    expect(bench.oauth.revoked).toHaveLength(1);
    expect(await bench.auditOf('acme')).toHaveLength(1);
  });
});
