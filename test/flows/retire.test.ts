import { describe, expect, it } from 'vitest';
import { defaultRetirePolicy, type ProofDemand } from '../../src/migration/cutover/retire.ts';
import { send } from '../support/answer.ts';
import { startFlow, type FlowFixture } from '../support/flow-fixture.ts';
import { connectionOf, keyOf, migrateToLive } from '../support/migration-steps.ts';

const dayMs = 86_400_000;

async function retire({ keyshift }: FlowFixture, customerId: string, demand: ProofDemand) {
  const connection = await keyshift.store.connections.findByCustomer(customerId);
  const request = { policy: defaultRetirePolicy, demand, actor: 'cli' };
  return keyshift.retire.retire(connection!, request);
}

describe('the end of a private key', () => {
  it('waits for the customer to delete it at Klaviyo, and can be taken back until then', async () => {
    await using fixture = await startFlow();
    const { cutover, store } = fixture.keyshift;
    const live = await migrateToLive(fixture, 'acme', 0);
    fixture.clock.skip(8 * dayMs);
    expect(await retire(fixture, 'acme', { kind: 'probe' })).toMatchObject({ outcome: 'waiting' });
    await cutover.rollBack(await connectionOf(fixture, 'acme'), 'cli');
    await cutover.cutOver(await connectionOf(fixture, 'acme'), 'cli');
    fixture.clock.skip(8 * dayMs);
    expect(fixture.sandbox.deleteKey(keyOf(fixture, 0))).toBe(true);
    expect(await retire(fixture, 'acme', { kind: 'probe' })).toMatchObject({ outcome: 'retired' });
    expect(await store.privateKeys.open(live.id)).toBeUndefined();
    expect(await store.retirements.find(live.id)).toMatchObject({ proof: 'refused' });
    const answer = await send(`${fixture.url}/api/profiles`, {
      headers: { authorization: `Klaviyo-API-Key ${keyOf(fixture, 0)}` },
    });
    expect(answer.headers.get('keyshift-route')).toBe('oauth');
    await expect(
      cutover.rollBack(await connectionOf(fixture, 'acme'), 'cli'),
    ).rejects.toMatchObject({ code: 'stage_conflict' });
  });

  it('keeps the key when the app was uninstalled, however dead the key is', async () => {
    await using fixture = await startFlow();
    const live = await migrateToLive(fixture, 'acme', 0);
    fixture.clock.skip(8 * dayMs);
    fixture.sandbox.deleteKey(keyOf(fixture, 0));
    fixture.sandbox.uninstall(live.accountId!);
    await expect(retire(fixture, 'acme', { kind: 'probe' })).rejects.toMatchObject({
      code: 'grant_lost',
    });
    expect((await fixture.keyshift.store.privateKeys.info(live.id))?.present).toBe(true);
  });

  it('disables it by Klaviyo’s beta endpoint where the consent holds that', async () => {
    const scopes = 'accounts:read credentials:read credentials:write';
    await using fixture = await startFlow({ scopes });
    const live = await migrateToLive(fixture, 'acme', 0);
    fixture.clock.skip(8 * dayMs);
    expect(await retire(fixture, 'acme', { kind: 'disable' })).toMatchObject({
      outcome: 'retired',
      detail: 'Klaviyo says the key is disabled',
    });
    expect(await fixture.keyshift.store.retirements.find(live.id)).toMatchObject({
      proof: 'disabled',
    });
    const byKey = await send(`${fixture.sandbox.apiUrl}/api/accounts`, {
      headers: { authorization: `Klaviyo-API-Key ${keyOf(fixture, 0)}`, revision: '2026-07-15' },
    });
    expect(byKey.status).toBe(401);
  });
});
