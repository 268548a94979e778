import { createCredentials } from '../../calls/credentials.ts';
import { describe, expect, it } from 'vitest';
import { loseGrant } from '../../../test/store/contract/contract-test.ts';
import { transientFailure } from '../../../test/support/engine-fixture.ts';
import { createFakeOAuthClient } from '../../../test/support/fake-oauth-client.ts';
import { openTestKeyshift } from '../../../test/support/keyshift-fixture.ts';
import {
  benchClientId,
  openTestBench,
  privateKey,
} from '../../../test/support/workbench-fixture.ts';
import { createLogger } from '../../runtime/logger.ts';
import { at, backToKey, type KeyHolder } from '../../model/connection.ts';
import { stages } from '../../model/stages.ts';
import { createTokenEngine } from '../../tokens/token-engine.ts';
import { createCutover } from './cutover.ts';
import { flagLostGrant } from '../consent/lost-grant.ts';
import { createProveGrant } from './prove-grant.ts';

const key = 'pk_0123456789abcdef';
const account = { accountId: 'AAA111' };

async function open() {
  const bench = await openTestBench();
  const oauth = createFakeOAuthClient();
  const logger = createLogger({ level: 'silent' });
  const tokens = createTokenEngine({ ...bench, oauth, logger });
  const credentials = createCredentials({ ...bench, tokens, clientId: benchClientId });
  const proveGrant = createProveGrant(async (accountId) => {
    await credentials.forAccount(accountId);
    return { kind: 'found', account: { accountId: 'AAA111', name: 'Alpha', testAccount: false } };
  });
  const cutover = createCutover({ ...bench, proveGrant });
  const isKeyPresent = async (customerId: string) =>
    (await bench.store.privateKeys.info((await bench.read(customerId)).id))?.present;
  return { ...bench, oauth, cutover, isKeyPresent };
}

describe('a cutover', () => {
  it.each(stages.filter((stage) => stage !== 'verified' && stage !== 'canary'))(
    'is refused at stage %s, and changes nothing',
    async (stage) => {
      await using bench = await open();
      await bench.grant('AAA111');
      const connection = await bench.add('acme', { stage, key, ...account });
      await expect(bench.cutover.cutOver(connection, 'cli')).rejects.toMatchObject({
        code: 'stage_conflict',
        message: expect.stringContaining('acme') as string,
      });
      expect(await bench.read('acme')).toEqual(connection);
    },
  );

  it('is refused without a grant, with a lost one, and while the token endpoint is away', async () => {
    await using bench = await open();
    const connection = await bench.add('acme', { stage: 'verified', key, ...account });
    const cutOver = () => bench.cutover.cutOver(connection, 'cli');
    await expect(cutOver()).rejects.toMatchObject({ code: 'grant_not_found' });

    const grant = await bench.grant('AAA111');
    await bench.clock.advance(3_600_000);
    bench.oauth.answerRefresh(() => transientFailure(503, 5));
    await expect(cutOver()).rejects.toMatchObject({ code: 'upstream_unavailable' });

    await loseGrant(bench.store, grant.id, grant.generation);
    await expect(cutOver()).rejects.toMatchObject({ code: 'grant_lost' });
    expect(await bench.read('acme')).toEqual(connection);
  });

  it('is refused when the app was uninstalled after the consent, however fresh the token looks', async () => {
    await using bench = await openTestKeyshift();
    const { store, cutover } = bench.keyshift;
    await bench.consent({ customerId: 'acme' }, { account: 'AAA111' });
    const live = (await store.connections.findByCustomer('acme'))!;
    await store.privateKeys.put(live.id, privateKey('acme'), bench.clock.now());
    await store.privateKeys.prove(live.id, privateKey('acme'), 'AAA111');
    const holder = (await store.connections.findByCustomer('acme')) as KeyHolder;
    const verified = await store.connections.update(
      holder,
      { at: at('verified'), way: backToKey(holder) },
      bench.clock.now(),
    );
    expect(bench.sandbox.uninstall('AAA111')).toBe(1);
    await expect(cutover.cutOver(verified, 'cli')).rejects.toMatchObject({ code: 'grant_lost' });
    expect(await store.connections.findByCustomer('acme')).toMatchObject({ route: 'key' });
  });

  it('loses against another writer, and the traffic stays where it is', async () => {
    await using bench = await open();
    await bench.grant('AAA111');
    const connection = await bench.add('acme', { stage: 'verified', key, ...account });
    await bench.machine.move(bench.store, connection, 'checked', { actor: 'other' });
    await expect(bench.cutover.cutOver(connection, 'cli')).rejects.toMatchObject({
      code: 'stage_conflict',
    });
    expect(await bench.read('acme')).toMatchObject({ stage: 'checked', route: 'key' });
  });

  it('moves the traffic to OAuth from now on, and keeps the key', async () => {
    await using bench = await open();
    await bench.grant('AAA111');
    const connection = await bench.add('acme', { stage: 'verified', key, ...account });
    const moved = await bench.cutover.cutOver(connection, 'cli');
    expect(moved).toEqual(await bench.read('acme'));
    expect(moved).toMatchObject({
      stage: 'live',
      route: 'oauth',
      liveSinceMs: bench.clock.now(),
    });
    expect(await bench.isKeyPresent('acme')).toBe(true);
    expect(await bench.auditOf('acme')).toEqual(['verified → live, cli']);
  });
});

describe('a canary', () => {
  it('sends the share by OAuth, changes it, and goes on to a cutover', async () => {
    await using bench = await open();
    await bench.grant('AAA111');
    const connection = await bench.add('acme', { stage: 'verified', key, ...account });
    const canary = await bench.cutover.startCanary(connection, 10, 'cli');
    const watchedSinceMs = bench.clock.now();
    expect(canary).toMatchObject({ stage: 'canary', route: 'canary', canaryPercent: 10 });
    expect(canary).toMatchObject({ watchedSinceMs, liveSinceMs: undefined });
    await bench.clock.advance(1_000);
    const wider = await bench.cutover.startCanary(canary, 50, 'cli');
    expect(wider).toMatchObject({ stage: 'canary', canaryPercent: 50, watchedSinceMs });
    expect(await bench.cutover.cutOver(wider, 'cli')).toMatchObject({
      stage: 'live',
      route: 'oauth',
      canaryPercent: undefined,
      watchedSinceMs: bench.clock.now(),
    });
    expect(await bench.auditOf('acme')).toEqual([
      'verified → canary, cli: 10 % over OAuth',
      'nothing → nothing, cli: 50 % over OAuth',
      'canary → live, cli',
    ]);
  });

  it('is refused without consent, without a key, and with a grant that is dead', async () => {
    await using bench = await open();
    const opened = await bench.add('opened', { stage: 'opened', key, ...account });
    const keyless = await bench.add('keyless', { stage: 'verified', ...account });
    const acme = await bench.add('acme', { stage: 'verified', key, ...account });
    const refusals = [
      [opened, 'stage_conflict'],
      [keyless, 'key_not_found'],
      [acme, 'grant_not_found'],
    ] as const;
    for (const [connection, code] of refusals) {
      await expect(bench.cutover.startCanary(connection, 5, 'cli')).rejects.toMatchObject({ code });
      expect(await bench.read(connection.customerId)).toEqual(connection);
    }
  });

  it('returns to the key when its grant is lost, so that no call fails', async () => {
    await using bench = await open();
    const grant = await bench.grant('AAA111');
    const connection = await bench.add('acme', { stage: 'verified', key, ...account });
    await bench.cutover.startCanary(connection, 10, 'cli');
    await flagLostGrant(bench)(grant, bench.store);
    expect(await bench.read('acme')).toMatchObject({
      ...{ stage: 'attention', attentionReason: 'grant_lost', route: 'key' },
      canaryPercent: undefined,
    });
  });
});

describe('a rollback', () => {
  it('is refused where there is nothing to roll back', async () => {
    await using bench = await open();
    for (const stage of ['checked', 'verified', 'attention'] as const) {
      const connection = await bench.add(stage, { stage, key, route: 'key' });
      await expect(bench.cutover.rollBack(connection, 'cli')).rejects.toMatchObject({
        code: 'stage_conflict',
      });
    }
    const retired = await bench.add('acme', { stage: 'retired', key, route: 'oauth' });
    await expect(bench.cutover.rollBack(retired, 'cli')).rejects.toMatchObject({
      code: 'stage_conflict',
    });
  });

  it('is refused where there is no key to return to', async () => {
    await using bench = await open();
    const never = await bench.add('never', { stage: 'live', route: 'oauth' });
    const { id } = await bench.add('gone', { stage: 'live', route: 'oauth', key });
    await bench.store.privateKeys.destroy(id, bench.clock.now());
    const gone = await bench.read('gone');
    for (const connection of [never, gone]) {
      await expect(bench.cutover.rollBack(connection, 'cli')).rejects.toMatchObject({
        code: 'key_not_found',
      });
      expect(await bench.read(connection.customerId)).toEqual(connection);
    }
  });

  it.each([
    ['canary', undefined, 'verified'],
    ['live', undefined, 'verified'],
    ['quiet', undefined, 'verified'],
    ['attention', 'grant_lost', 'checked'],
    ['attention', 'oauth_errors', 'authorized'],
  ] as const)('from %s (%s) returns the traffic to the key, at %s', async (stage, why, to) => {
    await using bench = await open();
    const liveSinceMs = bench.clock.now();
    const route = stage === 'canary' ? 'canary' : 'oauth';
    const fields = { stage, route, key, liveSinceMs, attentionReason: why, ...account } as const;
    const connection = await bench.add('acme', fields);
    await bench.cutover.rollBack(connection, 'cli', 'orders are missing');
    expect(await bench.read('acme')).toMatchObject({
      stage: to,
      route: 'key',
      ...{ liveSinceMs: undefined, watchedSinceMs: undefined, canaryPercent: undefined },
    });
    expect(await bench.auditOf('acme')).toEqual([`${stage} → ${to}, cli: orders are missing`]);
  });

  it('can be followed by another cutover', async () => {
    await using bench = await open();
    await bench.grant('AAA111');
    const connection = await bench.add('acme', { stage: 'verified', key, ...account });
    const live = await bench.cutover.cutOver(connection, 'cli');
    const back = await bench.cutover.rollBack(live, 'cli');
    await bench.clock.advance(1_000);
    await bench.cutover.cutOver(back, 'cli');
    expect(await bench.read('acme')).toMatchObject({
      stage: 'live',
      route: 'oauth',
      liveSinceMs: bench.clock.now(),
    });
  });
});
