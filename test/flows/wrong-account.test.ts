import { describe, expect, it } from 'vitest';
import { approveConsent } from '../../src/sandbox.ts';
import { accountIdOf, errorOf, post, send } from '../support/answer.ts';
import { eachDatabase } from '../support/each-database.ts';
import { startFlow, type FlowFixture } from '../support/flow-fixture.ts';
import {
  accountOf,
  connectionOf,
  importAndCheck,
  invite,
  keyOf,
  migrateToLive,
} from '../support/migration-steps.ts';

function grantOf({ keyshift }: FlowFixture, accountId: string) {
  return keyshift.store.grants.find({ clientId: 'flow-app', accountId });
}

async function callByKey({ url }: FlowFixture, key: string) {
  const answer = await send(`${url}/api/accounts`, {
    headers: { authorization: `Klaviyo-API-Key ${key}` },
  });
  return { account: accountIdOf(answer), route: answer.headers.get('keyshift-route') };
}

describe.each(eachDatabase)(
  'a consent by another account than the key ($database)',
  ({ create }) => {
    it('replaces nothing, says which accounts, and the right account succeeds after', async () => {
      await using database = await create();
      await using fixture = await startFlow({ databaseUrl: database.url });
      const { store } = fixture.keyshift;
      await importAndCheck(fixture, [{ customerId: 'acme', key: keyOf(fixture, 0) }]);
      const link = await invite(fixture, 'acme');
      const browser = fixture.newBrowser();

      const wrong = await browser.signIn(`${link}/start`, { account: accountOf(fixture, 1) });
      expect(wrong.status).toBe(400);
      expect(wrong.body).toContain('another Klaviyo account');
      expect(wrong.body).toContain(fixture.seed.accounts[0]!.name.replaceAll('&', '&amp;'));
      expect(wrong.body).toContain(fixture.seed.accounts[1]!.name.replaceAll('&', '&amp;'));
      expect(wrong.body).not.toContain(accountOf(fixture, 0));
      expect(wrong.body).not.toContain(accountOf(fixture, 1));

      const after = await connectionOf(fixture, 'acme');
      expect(after).toMatchObject({
        stage: 'attention',
        attentionReason: 'account_mismatch',
        route: 'key',
        accountId: accountOf(fixture, 0),
      });
      expect((await store.privateKeys.open(after.id))?.reveal()).toBe(keyOf(fixture, 0));
      expect(await grantOf(fixture, accountOf(fixture, 0))).toBeUndefined();
      expect(await grantOf(fixture, accountOf(fixture, 1))).toBeUndefined();
      expect(await callByKey(fixture, keyOf(fixture, 0))).toEqual({
        account: accountOf(fixture, 0),
        route: 'key',
      });

      const right = await browser.signIn(`${link}/start`, { account: accountOf(fixture, 0) });
      expect(right.status).toBe(200);
      expect((await connectionOf(fixture, 'acme')).stage).toBe('verified');
      expect((await grantOf(fixture, accountOf(fixture, 0)))?.state).toBe('active');
    });

    it('answers programs with the code account_mismatch', async () => {
      await using database = await create();
      await using fixture = await startFlow({ databaseUrl: database.url });
      await importAndCheck(fixture, [{ customerId: 'acme', key: keyOf(fixture, 0) }]);
      const answer = await fixture
        .newBrowser('*/*')
        .signIn(`${await invite(fixture, 'acme')}/start`, { account: accountOf(fixture, 1) });
      expect(answer.status).toBe(400);
      expect(errorOf(answer).error).toBe('account_mismatch');
      expect(answer.body).not.toContain(accountOf(fixture, 0));
    });

    it('leaves the grant of the customer whose account it was alone, and its traffic running', async () => {
      await using database = await create();
      await using fixture = await startFlow({ databaseUrl: database.url });
      await migrateToLive(fixture, 'owner', 1);
      const before = await grantOf(fixture, accountOf(fixture, 1));
      await importAndCheck(fixture, [{ customerId: 'acme', key: keyOf(fixture, 0) }]);
      const link = await invite(fixture, 'acme');
      const wrong = await fixture
        .newBrowser()
        .signIn(`${link}/start`, { account: accountOf(fixture, 1) });
      expect(wrong.status).toBe(400);
      const after = await grantOf(fixture, accountOf(fixture, 1));
      expect(after?.generation).toBe(before?.generation);
      expect(after?.refreshToken.reveal()).toBe(before?.refreshToken.reveal());
      expect((await connectionOf(fixture, 'owner')).stage).toBe('live');
      expect(await callByKey(fixture, keyOf(fixture, 1))).toEqual({
        account: accountOf(fixture, 1),
        route: 'oauth',
      });
    });
  },
);

describe.each(eachDatabase)('two customers that share one account ($database)', ({ create }) => {
  /** Both pasted keys of the first account: `acme` and `branch` the same one. */
  async function importSharing(fixture: FlowFixture) {
    await importAndCheck(fixture, [
      { customerId: 'acme', key: keyOf(fixture, 0) },
      { customerId: 'branch', key: keyOf(fixture, 0) },
    ]);
    return { acme: await invite(fixture, 'acme'), branch: await invite(fixture, 'branch') };
  }

  it('are both served by one consent and one grant', async () => {
    await using database = await create();
    await using fixture = await startFlow({ databaseUrl: database.url });
    const links = await importSharing(fixture);
    const answer = await fixture
      .newBrowser()
      .signIn(`${links.acme}/start`, { account: accountOf(fixture, 0) });
    expect(answer.status).toBe(200);
    for (const customerId of ['acme', 'branch']) {
      expect((await connectionOf(fixture, customerId)).stage).toBe('verified');
    }
    const other = await fixture.newBrowser().get(links.branch);
    expect(other.body).toContain('already connected');
    expect(fixture.sandbox.statistics().exchanges).toBe(1);
  });

  it('may both consent at the same moment', async () => {
    await using database = await create();
    await using fixture = await startFlow({ databaseUrl: database.url });
    const links = await importSharing(fixture);
    const browsers = [fixture.newBrowser(), fixture.newBrowser()];
    const starts = [`${links.acme}/start`, `${links.branch}/start`];
    const callbacks = await Promise.all(
      starts.map(async (start, index) =>
        approveConsent(await browsers[index]!.start(start), { account: accountOf(fixture, 0) }),
      ),
    );
    const answers = await Promise.all(callbacks.map((url, index) => browsers[index]!.get(url)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    for (const customerId of ['acme', 'branch']) {
      expect((await connectionOf(fixture, customerId)).stage).toBe('verified');
    }
    expect((await grantOf(fixture, accountOf(fixture, 0)))?.state).toBe('active');
  });

  it('rest the key once one of them is on OAuth, and keep the app while one is connected', async () => {
    await using database = await create();
    await using fixture = await startFlow({ databaseUrl: database.url });
    const links = await importSharing(fixture);
    await fixture.newBrowser().signIn(`${links.acme}/start`, { account: accountOf(fixture, 0) });
    const { cutover } = fixture.keyshift;
    await cutover.cutOver(await connectionOf(fixture, 'acme'), 'cli');
    expect((await callByKey(fixture, keyOf(fixture, 0))).route).toBe('oauth');

    const authorization = `Bearer ${fixture.secrets.serviceToken}`;
    const disconnect = (customer: string) =>
      post(`${fixture.url}/auth/disconnect`, { customer }, { authorization });
    expect(JSON.parse((await disconnect('acme')).body)).toMatchObject({ revoked: false });
    expect((await grantOf(fixture, accountOf(fixture, 0)))?.state).toBe('active');
    expect(JSON.parse((await disconnect('branch')).body)).toMatchObject({ revoked: true });
    expect((await grantOf(fixture, accountOf(fixture, 0)))?.state).toBe('revoked');
    expect(fixture.sandbox.accounts()[0]?.installs).toEqual([]);
    expect((await callByKey(fixture, keyOf(fixture, 0))).route).toBe('key');
  });
});
