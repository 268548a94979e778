import { describe, expect, it } from 'vitest';
import { openTestKeyshift } from '../../../test/support/keyshift-fixture.ts';
import { grantRejected } from '../../../test/support/engine-fixture.ts';
import { createFakeOAuthClient } from '../../../test/support/fake-oauth-client.ts';
import { openTestBench } from '../../../test/support/workbench-fixture.ts';
import { createLogger } from '../../runtime/logger.ts';
import { stages } from '../../model/stages.ts';
import { createTokenEngine } from '../../tokens/token-engine.ts';
import { hasConsented } from '../../model/stages.ts';
import { flagLostGrant, unflagRegainedGrant } from './lost-grant.ts';

describe('a lost grant', () => {
  it.each(stages)(
    'flags a connection of its account at stage %s only if it consented',
    async (s) => {
      await using bench = await openTestBench();
      const connection = await bench.add('acme', { stage: s, accountId: 'AAA111' });
      await flagLostGrant(bench)(await bench.grant('AAA111'), bench.store);
      if (hasConsented({ stage: s })) {
        expect(await bench.read('acme')).toMatchObject({
          stage: 'attention',
          attentionReason: 'grant_lost',
          attentionFrom: s,
        });
        expect(await bench.auditOf('acme')).toEqual([`${s} → attention, system: grant_lost`]);
      } else {
        expect(await bench.read('acme')).toEqual(connection);
      }
    },
  );

  it('flags every customer of the account, and nobody of another', async () => {
    await using bench = await openTestBench();
    await bench.add('one', { stage: 'live', accountId: 'AAA111', route: 'oauth' });
    await bench.add('two', { stage: 'verified', accountId: 'AAA111', key: 'pk_0123456789abcdef' });
    const other = await bench.add('other', { stage: 'live', accountId: 'BBB222', route: 'oauth' });
    await flagLostGrant(bench)(await bench.grant('AAA111'), bench.store);
    expect(await bench.read('one')).toMatchObject({ attentionReason: 'grant_lost' });
    expect(await bench.read('two')).toMatchObject({ attentionReason: 'grant_lost', route: 'key' });
    expect(await bench.read('other')).toEqual(other);
  });

  it('is found by the first call after an uninstall, and mended by a new consent', async () => {
    await using bench = await openTestKeyshift();
    const { store, tokens } = bench.keyshift;
    const key = { clientId: 'app-one', accountId: 'AAA111' };
    const acme = () => store.connections.findByCustomer('acme');
    await bench.consent({ customerId: 'acme' }, { account: 'AAA111' });
    bench.sandbox.uninstall('AAA111');
    await expect(tokens.afterUnauthorized(key, 1)).rejects.toMatchObject({ code: 'grant_lost' });
    expect(await acme()).toMatchObject({ stage: 'attention', attentionReason: 'grant_lost' });
    await bench.consent({ customerId: 'acme' }, { account: 'AAA111' });
    expect(await acme()).toMatchObject({ stage: 'live', route: 'oauth' });
    await expect(tokens.liveGrant(key)).resolves.toMatchObject({ state: 'active' });
  });

  it('is found within a day of an uninstall that nobody told of: stage, audit log and log say so', async () => {
    await using bench = await openTestKeyshift();
    const { store, sweeper } = bench.keyshift;
    const acme = () => store.connections.findByCustomer('acme');
    await bench.consent({ customerId: 'acme' }, { account: 'AAA111' });
    bench.sandbox.uninstall('AAA111');
    await bench.clock.advance(24 * 3_600_000);
    expect(await sweeper.sweep()).toEqual({ refreshed: 0, lost: 1, failed: 0 });
    expect(await acme()).toMatchObject({ stage: 'attention', attentionReason: 'grant_lost' });
    const events = await store.audit.listByConnection((await acme())!.id);
    expect(events.at(-1)).toMatchObject({
      actor: 'system',
      toStage: 'attention',
      reason: 'grant_lost',
    });
    const told = bench.logLines.filter((line) => line.includes('grant lost'));
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(/AAA111.*uninstalled or revoked/);
  });

  it('is marked and flagged in one transaction: what cannot be flagged is not lost yet', async () => {
    await using bench = await openTestBench();
    await bench.add('acme', { stage: 'live', accountId: 'AAA111', route: 'oauth' });
    const { id } = await bench.grant('AAA111');
    await bench.clock.advance(3_600_000);
    const oauth = createFakeOAuthClient();
    oauth.answerRefresh(() => grantRejected);
    const flag = flagLostGrant(bench);
    let dies = true;
    const engine = createTokenEngine({
      ...{ store: bench.store, oauth, clock: bench.clock, random: bench.random },
      logger: createLogger({ level: 'silent' }),
      onLost: async (grant, tx) => {
        await flag(grant, tx);
        if (dies) throw new Error('the process died here');
      },
    });
    const key = { clientId: 'app-one', accountId: 'AAA111' };
    await expect(engine.liveGrant(key)).rejects.toThrow('the process died here');
    expect(await bench.store.grants.findById(id)).toMatchObject({ state: 'active' });
    expect(await bench.read('acme')).toMatchObject({ stage: 'live' });
    dies = false;
    await bench.clock.advance(40_000);
    await expect(engine.liveGrant(key)).rejects.toMatchObject({ code: 'grant_lost' });
    expect(await bench.read('acme')).toMatchObject({ attentionReason: 'grant_lost' });
  });
});

describe('a regained grant', () => {
  it.each([
    ['live', 'live'],
    ['retired', 'retired'],
    // Traffic by halves is not resumed by itself.
    ['canary', 'verified'],
  ] as const)('takes its connection from attention back: it was %s', async (stage, to) => {
    await using bench = await openTestBench();
    await bench.add('acme', { stage, accountId: 'AAA111', route: 'oauth' });
    const grant = await bench.grant('AAA111');
    await flagLostGrant(bench)(grant, bench.store);
    await unflagRegainedGrant(bench)(grant);
    expect(await bench.read('acme')).toMatchObject({ stage: to, attentionReason: undefined });
    expect(await bench.auditOf('acme')).toContain(`attention → ${to}, system: grant_regained`);
  });

  it('leaves a connection alone that needs a person for another reason', async () => {
    await using bench = await openTestBench();
    const connection = await bench.add('acme', {
      ...{ stage: 'attention', attentionReason: 'account_mismatch', attentionFrom: 'live' },
      accountId: 'AAA111',
    });
    await unflagRegainedGrant(bench)(await bench.grant('AAA111'));
    expect(await bench.read('acme')).toEqual(connection);
  });
});
