import { describe, expect, it } from 'vitest';
import { openTestKeyshift } from '../../test/support/keyshift-fixture.ts';
import { openTestBench } from '../../test/support/workbench-fixture.ts';
import { stages } from '../store/records.ts';
import { consentedStages } from './invitations.ts';
import { flagLostGrant } from './lost-grant.ts';

describe('a lost grant', () => {
  it.each(stages)(
    'flags a connection of its account at stage %s only if it consented',
    async (s) => {
      await using bench = await openTestBench();
      const connection = await bench.add('acme', { stage: s, accountId: 'AAA111' });
      await flagLostGrant(bench)(await bench.grant('AAA111'));
      if (consentedStages.has(s)) {
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
    await bench.add('two', { stage: 'verified', accountId: 'AAA111' });
    const other = await bench.add('other', { stage: 'live', accountId: 'BBB222', route: 'oauth' });
    await flagLostGrant(bench)(await bench.grant('AAA111'));
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
});
