import { describe, expect, it } from 'vitest';
import { accountIdOf, send } from '../support/answer.ts';
import { eachDatabase } from '../support/each-database.ts';
import { startFlow, type FlowFixture } from '../support/flow-fixture.ts';
import {
  accountOf,
  connectionOf,
  importAndCheck,
  importOnly,
  invite,
  keyOf,
} from '../support/migration-steps.ts';

/** A call through the proxy: the account that answered, and by which credential. */
async function call({ url }: FlowFixture, headers: Readonly<Record<string, string>>) {
  const answer = await send(`${url}/api/accounts`, { headers });
  const route = answer.headers.get('keyshift-route');
  return answer.status === 200 ? { account: accountIdOf(answer), route } : answer.status;
}

const byKey = (fixture: FlowFixture, index: number) =>
  call(fixture, { authorization: `Klaviyo-API-Key ${keyOf(fixture, index)}` });

const asCustomer = (fixture: FlowFixture, customerId: string) =>
  call(fixture, {
    authorization: `Bearer ${fixture.secrets.serviceToken}`,
    'keyshift-customer': customerId,
  });

/** Imports customers who share the key of account 0, and gives `acme` account 1 by an operator's word. */
async function override(fixture: FlowFixture, sharing: readonly string[] = []) {
  const customers = ['acme', ...sharing].map((customerId) => ({
    customerId,
    key: keyOf(fixture, 0),
  }));
  await importAndCheck(fixture, customers);
  const link = await invite(fixture, 'acme');
  await fixture.newBrowser().signIn(`${link}/start`, { account: accountOf(fixture, 1) });
  return fixture.keyshift.overrideAccount(await connectionOf(fixture, 'acme'), {
    ...{ accountId: accountOf(fixture, 1), reason: 'they moved shops', actor: 'cli' },
  });
}

describe.each(eachDatabase)('a key and its account ($database)', ({ create }) => {
  it('is never sent for a customer whom an operator gave another account', async () => {
    await using database = await create();
    await using fixture = await startFlow({ databaseUrl: database.url });
    const { verdict, connection } = await override(fixture);
    expect(verdict).toBe('verified');
    const own = { account: accountOf(fixture, 1), route: 'oauth' };
    // Before anybody cuts over, and with every switch towards the key.
    expect(await asCustomer(fixture, 'acme')).toEqual(own);
    const { store, cutover, clock } = fixture.keyshift;
    await store.switches.set('route', 'key', clock.now(), 'cli');
    fixture.clock.skip(1_000);
    expect(await asCustomer(fixture, 'acme')).toEqual(own);
    await store.switches.set('route', undefined, clock.now(), 'cli');
    await store.routeExceptions.put({
      ...{ connectionId: connection.id, operation: 'get_accounts', route: 'key' },
      ...{ createdAtMs: clock.now(), actor: 'cli' },
    });
    fixture.clock.skip(1_000);
    expect(await asCustomer(fixture, 'acme')).toEqual(own);
    await expect(
      cutover.rollBack(await connectionOf(fixture, 'acme'), 'cli'),
    ).rejects.toMatchObject({ code: 'key_not_found' });
    await expect(
      cutover.startCanary(await connectionOf(fixture, 'acme'), 50, 'cli'),
    ).rejects.toMatchObject({ kind: expect.any(String) as string });
    // Klaviyo refuses the grant: the key is no way out.
    fixture.sandbox.uninstall(accountOf(fixture, 1));
    fixture.clock.skip(3_700_000);
    expect(await asCustomer(fixture, 'acme')).not.toMatchObject({ account: accountOf(fixture, 0) });
  });

  it('names the customers of its own account, whoever else holds it', async () => {
    await using database = await create();
    await using fixture = await startFlow({ databaseUrl: database.url });
    await override(fixture, ['branch']);
    const own = { account: accountOf(fixture, 0), route: 'key' };
    expect(await byKey(fixture, 0)).toEqual(own);
    expect(await asCustomer(fixture, 'branch')).toEqual(own);
    expect(await asCustomer(fixture, 'acme')).toEqual({
      ...{ account: accountOf(fixture, 1), route: 'oauth' },
    });
  });

  it('names nobody when its holders went to different accounts', async () => {
    await using database = await create();
    await using fixture = await startFlow({ databaseUrl: database.url });
    await override(fixture, ['branch']);
    const link = await invite(fixture, 'branch');
    await fixture.newBrowser().signIn(`${link}/start`, { account: accountOf(fixture, 2) });
    await fixture.keyshift.overrideAccount(await connectionOf(fixture, 'branch'), {
      ...{ accountId: accountOf(fixture, 2), reason: 'moved as well', actor: 'cli' },
    });
    fixture.clock.skip(1_000);
    expect(await byKey(fixture, 0)).toBe(409);
  });

  it('serves its own customer before it was checked, and no other', async () => {
    await using database = await create();
    await using fixture = await startFlow({ databaseUrl: database.url });
    await override(fixture);
    await importOnly(fixture, [{ customerId: 'fresh', key: keyOf(fixture, 0) }]);
    fixture.clock.skip(1_000);
    const own = { account: accountOf(fixture, 0), route: 'key' };
    expect(await asCustomer(fixture, 'fresh')).toEqual(own);
    expect(await byKey(fixture, 0)).toEqual(own);
    expect(await asCustomer(fixture, 'acme')).toMatchObject({ account: accountOf(fixture, 1) });
  });
});
