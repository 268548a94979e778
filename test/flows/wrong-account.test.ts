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
      expect(wrong.body).toContain('a different Klaviyo account');
      expect(wrong.body).toContain(fixture.seed.accounts[0]!.name.replaceAll('&', '&amp;'));
      expect(wrong.body).toContain(fixture.seed.accounts[1]!.name.replaceAll('&', '&amp;'));
      for (const account of [0, 1]) expect(wrong.body).toContain(accountOf(fixture, account));
      expect(wrong.body).toContain('How to switch accounts');

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

describe.each(eachDatabase)('a consent by the wrong account ($database)', ({ create }) => {
  /** `acme` has the key of the first account; whoever has its link chooses the second one. */
  async function open(fixture: FlowFixture) {
    await importAndCheck(fixture, [{ customerId: 'acme', key: keyOf(fixture, 0) }]);
    const link = await invite(fixture, 'acme');
    return {
      link,
      choose: async (index: number) =>
        (await fixture.newBrowser().signIn(`${link}/start`, { account: accountOf(fixture, index) }))
          .status,
      /** That the key, and the grant of the right account if there is one, are as they were. */
      async expectUntouched(refreshToken?: string) {
        const { store } = fixture.keyshift;
        const connection = await connectionOf(fixture, 'acme');
        expect(connection.accountId).toBe(accountOf(fixture, 0));
        expect((await store.privateKeys.open(connection.id))?.reveal()).toBe(keyOf(fixture, 0));
        const grant = await grantOf(fixture, accountOf(fixture, 0));
        expect(grant?.refreshToken.reveal()).toBe(refreshToken);
        expect(await grantOf(fixture, accountOf(fixture, 1))).toBeUndefined();
        const paths = fixture.sandbox.requests().map(({ path }) => path);
        expect(paths).not.toContain('/oauth/revoke');
        return connection;
      },
    };
  }

  it('before the right one, twice: nothing is replaced, and the right one succeeds', async () => {
    await using database = await create();
    await using fixture = await startFlow({ databaseUrl: database.url });
    const acme = await open(fixture);
    for (let times = 0; times < 2; times += 1) {
      expect(await acme.choose(1)).toBe(400);
      expect(await acme.expectUntouched()).toMatchObject({
        ...{ stage: 'attention', attentionReason: 'account_mismatch', route: 'key' },
      });
    }
    expect(await acme.choose(0)).toBe(200);
    const grant = await grantOf(fixture, accountOf(fixture, 0));
    expect(await acme.expectUntouched(grant?.refreshToken.reveal())).toMatchObject({
      stage: 'verified',
    });
    const id = (await connectionOf(fixture, 'acme')).id;
    expect(await fixture.keyshift.store.foreignConsents.listByConnection(id)).toHaveLength(2);
  });

  it.each(['verified', 'live'] as const)(
    'after the right one, at %s: grant, key and traffic stay as they are',
    async (stage) => {
      await using database = await create();
      await using fixture = await startFlow({ databaseUrl: database.url });
      const acme = await open(fixture);
      // Both tabs were opened before the first consent: the page alone would say "already done".
      const late = fixture.newBrowser();
      const page = await late.start(`${acme.link}/start`);
      expect(await acme.choose(0)).toBe(200);
      const { cutover } = fixture.keyshift;
      if (stage === 'live') await cutover.cutOver(await connectionOf(fixture, 'acme'), 'cli');
      const token = (await grantOf(fixture, accountOf(fixture, 0)))?.refreshToken.reveal();
      const callback = await approveConsent(page, { account: accountOf(fixture, 1) });
      expect((await late.get(callback)).status).toBe(400);
      expect(await acme.expectUntouched(token)).toMatchObject({ stage });
      expect(await callByKey(fixture, keyOf(fixture, 0))).toEqual({
        ...{ account: accountOf(fixture, 0), route: stage === 'live' ? 'oauth' : 'key' },
      });
    },
  );

  it('does not end the customer whose account it is where a new consent ends older tokens', async () => {
    await using database = await create();
    await using fixture = await startFlow({ databaseUrl: database.url });
    fixture.sandbox.changeSettings({ reauthorizationEndsTokens: true });
    await migrateToLive(fixture, 'owner', 1);
    const acme = await open(fixture);
    expect(await acme.choose(1)).toBe(400);
    // The call that finds the old tokens dead may fail; from then on the newer consent serves.
    await callByKey(fixture, keyOf(fixture, 1)).catch(() => undefined);
    expect(await callByKey(fixture, keyOf(fixture, 1))).toEqual({
      ...{ account: accountOf(fixture, 1), route: 'oauth' },
    });
    expect(await connectionOf(fixture, 'owner')).toMatchObject({ stage: 'live', route: 'oauth' });
    expect(await connectionOf(fixture, 'acme')).toMatchObject({
      ...{ accountId: accountOf(fixture, 0), route: 'key' },
    });
  });

  it('can be accepted by an operator, with a reason that the audit log keeps', async () => {
    await using database = await create();
    await using fixture = await startFlow({ databaseUrl: database.url });
    const { store, overrideAccount } = fixture.keyshift;
    const acme = await open(fixture);
    const decide = async (index: number) =>
      overrideAccount(await connectionOf(fixture, 'acme'), {
        ...{ accountId: accountOf(fixture, index), reason: 'they moved shops', actor: 'cli' },
      });
    await expect(decide(1)).rejects.toMatchObject({ code: 'grant_not_found' });
    await acme.choose(1);
    await expect(decide(0)).rejects.toMatchObject({ code: 'request_invalid' });
    await expect(decide(2)).rejects.toThrow(accountOf(fixture, 1));
    const { verdict, connection } = await decide(1);
    expect(verdict).toBe('verified');
    expect(connection).toMatchObject({
      ...{ stage: 'live', route: 'oauth', accountId: accountOf(fixture, 1), key: 'foreign' },
    });
    const events = await store.audit.listByConnection(connection.id);
    const reason = `account ${accountOf(fixture, 0)} → ${accountOf(fixture, 1)}: they moved shops`;
    expect(events).toContainEqual(expect.objectContaining({ actor: 'cli', reason }));
    expect(await callByKey(fixture, keyOf(fixture, 0))).toEqual({
      ...{ account: accountOf(fixture, 1), route: 'oauth' },
    });
    await expect(
      overrideAccount(connection, {
        accountId: accountOf(fixture, 2),
        reason: 'again',
        actor: 'cli',
      }),
    ).rejects.toMatchObject({ code: 'stage_conflict' });
  });

  it('shares the grant of the account’s own customer once it is accepted, and spends no other', async () => {
    await using database = await create();
    await using fixture = await startFlow({ databaseUrl: database.url });
    await migrateToLive(fixture, 'owner', 1);
    const before = await grantOf(fixture, accountOf(fixture, 1));
    const acme = await open(fixture);
    await acme.choose(1);
    const { overrideAccount } = fixture.keyshift;
    const override = { accountId: accountOf(fixture, 1), reason: 'one shop', actor: 'cli' };
    await overrideAccount(await connectionOf(fixture, 'acme'), override);
    const after = await grantOf(fixture, accountOf(fixture, 1));
    expect(after?.id).toBe(before?.id);
    expect(after?.refreshToken.reveal()).toBe(before?.refreshToken.reveal());
    expect(await connectionOf(fixture, 'owner')).toMatchObject({ stage: 'live' });
  });
});
