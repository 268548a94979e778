import { describe, expect, it } from 'vitest';
import { loseGrant } from '../../test/store/contract/contract-test.ts';
import { createFakeOAuthClient } from '../../test/support/fake-oauth-client.ts';
import { benchClientId, openTestBench } from '../../test/support/workbench-fixture.ts';
import { createLogger } from '../runtime/logger.ts';
import type { Connection } from '../model/connection.ts';
import { createTokenEngine } from '../tokens/token-engine.ts';
import { createCredentials } from './credentials.ts';

const key = 'pk_0123456789abcdef';

async function open() {
  const bench = await openTestBench();
  const oauth = createFakeOAuthClient();
  const { store, clock, random } = bench;
  const logger = createLogger({ level: 'silent' });
  const tokens = createTokenEngine({ store, oauth, clock, random, logger });
  const credentials = createCredentials({ store, tokens, clientId: benchClientId, clock, random });
  return { ...bench, oauth, credentials };
}

describe('the credential of a connection', () => {
  it('is missing on the key route without a key', async () => {
    await using bench = await open();
    const connection = await bench.add('acme');
    await expect(bench.credentials.forConnection(connection)).rejects.toMatchObject({
      code: 'key_not_found',
      message: expect.stringContaining('acme') as string,
    });
  });

  it('is missing on the key route once the key is destroyed', async () => {
    await using bench = await open();
    const connection = await bench.add('acme', { key });
    await bench.store.privateKeys.destroy(connection.id, bench.clock.now());
    await expect(bench.credentials.forConnection(connection)).rejects.toMatchObject({
      code: 'key_not_found',
    });
  });

  it('is never the key on the OAuth route, even where the grant is missing or lost', async () => {
    await using bench = await open();
    const connection = await bench.add('acme', { key, route: 'oauth', accountId: 'AAA111' });
    await expect(bench.credentials.forConnection(connection)).rejects.toMatchObject({
      code: 'grant_not_found',
    });
    const grant = await bench.grant('AAA111');
    await loseGrant(bench.store, grant.id, grant.generation);
    await expect(bench.credentials.forConnection(connection)).rejects.toMatchObject({
      code: 'grant_lost',
    });
    const unknown = await bench.add('beta', { key, route: 'oauth' });
    await expect(bench.credentials.forConnection(unknown)).rejects.toMatchObject({
      code: 'grant_not_found',
    });
  });

  it('is never the grant on the key route, even where there is one', async () => {
    await using bench = await open();
    await bench.grant('AAA111');
    const connection = await bench.add('acme', { key, accountId: 'AAA111' });
    const credential = await bench.credentials.forConnection(connection);
    expect(credential.route).toBe('key');
    expect(credential.secret.reveal()).toBe(key);
  });

  it('stays the key while no share of a canary is set', async () => {
    await using bench = await open();
    await bench.grant('AAA111');
    const connection = await bench.add('acme', { key, route: 'canary', accountId: 'AAA111' });
    expect((await bench.credentials.forConnection(connection)).secret.reveal()).toBe(key);
  });

  it('is the access token of the account on the OAuth route', async () => {
    await using bench = await open();
    await bench.grant('AAA111');
    const connection = await bench.add('acme', { route: 'oauth', accountId: 'AAA111' });
    const credential = await bench.credentials.forConnection(connection);
    expect(credential).toMatchObject({ route: 'oauth', accountId: 'AAA111', generation: 1 });
    expect(credential.secret.reveal()).toBe('access-token-of-AAA111');
    expect(bench.oauth.spent).toEqual([]);
  });

  it('is not refreshed again while Klaviyo refuses what it has just issued', async () => {
    await using bench = await open();
    await bench.grant('AAA111');
    await bench.clock.advance(120_000);
    const { afterUnauthorized } = bench.credentials;
    expect(await afterUnauthorized('AAA111', 1)).toMatchObject({ generation: 2 });
    await expect(afterUnauthorized('AAA111', 2)).rejects.toMatchObject({ code: 'token_refused' });
    expect(bench.oauth.spent).toHaveLength(1);
    expect(
      await bench.store.grants.find({ clientId: benchClientId, accountId: 'AAA111' }),
    ).toMatchObject({
      state: 'active',
    });
  });

  it('says with whom it shares Klaviyo’s limits', async () => {
    await using bench = await open();
    await bench.grant('AAA111');
    const oauth = await bench.add('acme', { route: 'oauth', accountId: 'AAA111' });
    const onKey = await bench.add('beta', { key, accountId: 'AAA111' });
    const unchecked = await bench.add('gamma', { key });
    const quotaOf = async (connection: Connection) =>
      (await bench.credentials.forConnection(connection)).quota;
    expect(await quotaOf(oauth)).toBe('oauth AAA111');
    expect(await quotaOf(onKey)).toBe('key AAA111');
    expect(await quotaOf(unchecked)).toBe('key connection-gamma');
  });

  it('is refreshed once after Klaviyo refused it, and not again for a late caller', async () => {
    await using bench = await open();
    await bench.grant('AAA111');
    await bench.clock.advance(120_000);
    const { forAccount, afterUnauthorized } = bench.credentials;
    expect(await forAccount('AAA111')).toMatchObject({ generation: 1 });
    const newer = await afterUnauthorized('AAA111', 1);
    expect(newer).toMatchObject({ generation: 2 });
    expect(newer.secret.reveal()).toBe('access-1');
    expect(await afterUnauthorized('AAA111', 1)).toMatchObject({ generation: 2 });
    expect(bench.oauth.spent).toHaveLength(1);
  });
});
