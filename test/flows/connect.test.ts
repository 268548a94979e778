import { describe, expect, it } from 'vitest';
import { approveConsent } from '../../src/sandbox.ts';
import { errorOf, send } from '../support/answer.ts';
import { eachDatabase } from '../support/each-database.ts';
import { startFlow, type FlowFixture } from '../support/flow-fixture.ts';
import {
  accountOf,
  connectionOf,
  importAndCheck,
  invite,
  keyOf,
} from '../support/migration-steps.ts';

const dayMs = 86_400_000;

/** A customer of the first account with a fresh invitation. */
async function inviteAcme(fixture: FlowFixture): Promise<string> {
  await importAndCheck(fixture, [{ customerId: 'acme', key: keyOf(fixture, 0) }]);
  return invite(fixture, 'acme');
}

async function expectStillOnKey(fixture: FlowFixture, customerId: string, index: number) {
  const connection = await connectionOf(fixture, customerId);
  expect(connection.route).toBe('key');
  const key = await fixture.keyshift.store.privateKeys.open(connection.id);
  expect(key?.reveal()).toBe(keyOf(fixture, index));
  const grantKey = { clientId: 'flow-app', accountId: accountOf(fixture, index) };
  expect(await fixture.keyshift.store.grants.find(grantKey)).toBeUndefined();
}

describe('a link of another site that skips the page', () => {
  it('leads to the page, which says for whom the consent is', async () => {
    await using fixture = await startFlow();
    const link = await inviteAcme(fixture);
    for (const site of ['cross-site', 'same-site']) {
      const answer = await fixture
        .newBrowser()
        .get(`${link}/start`, { 'sec-fetch-site': site, 'sec-fetch-mode': 'navigate' });
      expect(answer.status).toBe(303);
      expect(new URL(answer.headers.get('location')!, link).href).toBe(link);
      expect(answer.headers.getSetCookie()).toEqual([]);
    }
    const button = { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'navigate' };
    expect((await fixture.newBrowser().get(`${link}/start`, button)).status).toBe(302);
  });
});

describe('GET /connect/<invitation> that leads nowhere', () => {
  it.each([
    ['that was made up', 'made-up'],
    ['of the right length', 'x'.repeat(43)],
    ['that holds NUL', '%00'],
    ['that is not ASCII', '%F0%9F%92%A9'],
    ['that is not UTF-8', '%C3%28'],
    ['that is very long', 'a'.repeat(5_000)],
  ])('says that a link %s does not work, as a page and as JSON', async (_name, token) => {
    await using fixture = await startFlow();
    for (const path of [`/connect/${token}`, `/connect/${token}/start`]) {
      const page = await fixture.newBrowser().get(fixture.url + path);
      expect(page.status).toBe(404);
      expect(page.body).toContain('This link isn’t valid');
      const json = await send(fixture.url + path);
      expect(json.status).toBe(404);
      expect(errorOf(json).error).toBe('invitation_invalid');
    }
  });

  it('says that a link has expired, as a page and as JSON', async () => {
    await using fixture = await startFlow();
    const link = await inviteAcme(fixture);
    fixture.clock.skip(dayMs + 1);
    for (const url of [link, `${link}/start`]) {
      const page = await fixture.newBrowser().get(url);
      expect(page.status).toBe(410);
      expect(page.body).toContain('This link has expired');
      expect(page.headers.getSetCookie()).toEqual([]);
      const json = await send(url);
      expect(json.status).toBe(410);
      expect(errorOf(json).error).toBe('invitation_expired');
    }
  });

  it('says that the customer has connected already, and starts nothing', async () => {
    await using fixture = await startFlow();
    const link = await inviteAcme(fixture);
    const account = accountOf(fixture, 0);
    await fixture.newBrowser().signIn(`${link}/start`, { account });
    for (const url of [link, `${link}/start`]) {
      const answer = await fixture.newBrowser().get(url);
      expect(answer.status).toBe(200);
      expect(answer.body).toContain('already connected');
      expect(answer.headers.getSetCookie()).toEqual([]);
    }
  });
});

describe('a link that ends while its customer is in Klaviyo', () => {
  it('does not connect once it is revoked, neither before the code is spent nor after', async () => {
    for (const revokesAtExchange of [false, true]) {
      await using fixture = await startFlow({ mode: 'production' });
      const link = await inviteAcme(fixture);
      const { keyshift, sandbox } = fixture;
      const browser = fixture.newBrowser();
      const account = accountOf(fixture, 0);
      const callback = await approveConsent(await browser.start(`${link}/start`), { account });
      const revoke = async () =>
        keyshift.invitations.revoke(await connectionOf(fixture, 'acme'), 'cli');
      let page;
      if (revokesAtExchange) {
        const match = { path: '/oauth/token' };
        sandbox.addFault({ kind: 'delay', delayMs: 500, match, times: 1 });
        page = browser.get(callback);
        await new Promise((resolve) => setTimeout(resolve, 200));
        await revoke();
      } else {
        await revoke();
        page = browser.get(callback);
      }
      expect(await page).toMatchObject({
        status: 410,
        body: expect.stringContaining('This link was revoked') as string,
      });
      expect(sandbox.statistics().exchanges).toBe(revokesAtExchange ? 1 : 0);
      expect((await connectionOf(fixture, 'acme')).stage).toBe('checked');
      await expectStillOnKey(fixture, 'acme', 0);
    }
  });

  it('still connects when its last day ended meanwhile', async () => {
    await using fixture = await startFlow({ mode: 'production' });
    const link = await inviteAcme(fixture);
    fixture.clock.skip(dayMs - 60_000);
    const browser = fixture.newBrowser();
    const account = accountOf(fixture, 0);
    const klaviyo = await browser.start(`${link}/start`);
    fixture.clock.skip(120_000);
    const answer = await browser.get(await approveConsent(klaviyo, { account }));
    expect(answer.body).toContain('Klaviyo is connected');
  });
});

describe('a link that was used', () => {
  it('begins no consent after its last day, also when the grant was lost since', async () => {
    await using fixture = await startFlow({ mode: 'production' });
    const link = await inviteAcme(fixture);
    const account = accountOf(fixture, 0);
    await fixture.newBrowser().signIn(`${link}/start`, { account });
    const { keyshift } = fixture;
    const { machine, store } = keyshift;
    const lose = async () => {
      const connection = await connectionOf(fixture, 'acme');
      await store.transaction((tx) =>
        machine.flag(tx, connection, 'grant_lost', { actor: 'system' }),
      );
    };
    fixture.clock.skip(dayMs + 1);
    expect((await fixture.newBrowser().get(link)).body).toContain('already connected');
    await lose();
    for (const url of [link, `${link}/start`]) {
      const answer = await fixture.newBrowser().get(url);
      expect(answer.status).toBe(410);
      expect(answer.body).toContain('This link has expired');
      expect(answer.headers.getSetCookie()).toEqual([]);
    }
  });

  it('begins one until then', async () => {
    await using fixture = await startFlow({ mode: 'production' });
    const link = await inviteAcme(fixture);
    const account = accountOf(fixture, 0);
    await fixture.newBrowser().signIn(`${link}/start`, { account });
    const { machine, store } = fixture.keyshift;
    const connection = await connectionOf(fixture, 'acme');
    await store.transaction((tx) =>
      machine.flag(tx, connection, 'grant_lost', { actor: 'system' }),
    );
    const again = await fixture.newBrowser().signIn(`${link}/start`, { account });
    expect(again.body).toContain('Klaviyo is connected');
  });
});

describe.each(eachDatabase)('a customer follows the link ($database)', ({ create }) => {
  it('whom ten GET, ten HEAD and ten steps further by a mail scanner do not harm', async () => {
    await using database = await create();
    await using fixture = await startFlow({ databaseUrl: database.url });
    const link = await inviteAcme(fixture);
    const heads = await Promise.all(
      Array.from({ length: 10 }, () => send(link, { method: 'HEAD' })),
    );
    expect(new Set(heads.map(({ status }) => status))).toEqual(new Set([200]));
    expect((await connectionOf(fixture, 'acme')).stage).toBe('invited');

    const visits = Array.from({ length: 10 }, () => [send(link), send(`${link}/start`)]);
    const statuses = (await Promise.all(visits.flat())).map(({ status }) => status);
    expect(statuses.filter((_status, index) => index % 2 === 0)).toEqual(Array(10).fill(200));
    expect(statuses.filter((_status, index) => index % 2 === 1)).toEqual(Array(10).fill(302));
    expect((await connectionOf(fixture, 'acme')).stage).toBe('opened');

    const browser = fixture.newBrowser();
    const page = await browser.get(link);
    expect(page.status).toBe(200);
    const href = /<a class="button" href="([^"]+)"/.exec(page.body)?.[1];
    const answer = await browser.signIn(new URL(href ?? '', link).href, {
      account: accountOf(fixture, 0),
    });
    expect(answer.status).toBe(200);
    expect(answer.body).toContain('Klaviyo is connected');
    expect(await connectionOf(fixture, 'acme')).toMatchObject({ stage: 'verified', route: 'key' });
  });

  it('and declines: it needs a person, keeps its key, and a second try succeeds', async () => {
    await using database = await create();
    await using fixture = await startFlow({ databaseUrl: database.url });
    const link = await inviteAcme(fixture);
    const browser = fixture.newBrowser();
    const declined = await browser.signIn(`${link}/start`, { decision: 'deny' });
    expect(declined.status).toBe(400);
    expect(declined.body).toContain('You declined the connection');
    expect(declined.body).toContain(`href="${new URL(link).pathname}"`);
    expect(await connectionOf(fixture, 'acme')).toMatchObject({
      stage: 'attention',
      attentionReason: 'consent_denied',
    });
    await expectStillOnKey(fixture, 'acme', 0);

    expect((await browser.get(link)).status).toBe(200);
    const answer = await browser.signIn(`${link}/start`, { account: accountOf(fixture, 0) });
    expect(answer.status).toBe(200);
    expect(await connectionOf(fixture, 'acme')).toMatchObject({
      stage: 'verified',
      attentionReason: undefined,
    });
  });

  it('in two tabs that both end well at the same moment, or one after the other declined', async () => {
    await using database = await create();
    await using fixture = await startFlow({ databaseUrl: database.url });
    const link = await inviteAcme(fixture);
    const browser = fixture.newBrowser();
    const tabs = [];
    for (let tab = 0; tab < 4; tab += 1) tabs.push(await browser.start(`${link}/start`));
    const late = tabs.pop()!;
    const callbacks = await Promise.all(
      tabs.map((url) => approveConsent(url, { account: accountOf(fixture, 0) })),
    );
    const answers = await Promise.all(callbacks.map((url) => browser.get(url)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    const declined = await browser.get(await approveConsent(late, { decision: 'deny' }));
    expect(declined.status).toBe(400);
    expect((await connectionOf(fixture, 'acme')).stage).toBe('verified');
    const grantKey = { clientId: 'flow-app', accountId: accountOf(fixture, 0) };
    expect((await fixture.keyshift.store.grants.find(grantKey))?.state).toBe('active');
  });

  it('in two tabs that are both declined at the same moment', async () => {
    await using database = await create();
    await using fixture = await startFlow({ databaseUrl: database.url });
    const link = await inviteAcme(fixture);
    const browser = fixture.newBrowser('*/*');
    const callbacks: string[] = [];
    for (let tab = 0; tab < 6; tab += 1) {
      callbacks.push(
        await approveConsent(await browser.start(`${link}/start`), { decision: 'deny' }),
      );
    }
    const answers = await Promise.all(callbacks.map((url) => browser.get(url)));
    for (const answer of answers) {
      expect(errorOf(answer).error).toBe('authorization_denied');
      expect(answer.status).toBe(400);
    }
  });

  it('and grants less than was asked: nothing moves until everything is allowed', async () => {
    await using database = await create();
    await using fixture = await startFlow({ databaseUrl: database.url });
    const link = await inviteAcme(fixture);
    fixture.sandbox.addFault({
      kind: 'token_reply',
      body: { scope: 'accounts:read' },
      match: { path: '/oauth/token' },
      times: 1,
    });
    const less = await fixture
      .newBrowser()
      .signIn(`${link}/start`, { account: accountOf(fixture, 0) });
    expect(less.status).toBe(400);
    expect(less.body).toContain('A permission is missing');
    expect(await connectionOf(fixture, 'acme')).toMatchObject({
      stage: 'attention',
      attentionReason: 'scope_missing',
      route: 'key',
    });
    const again = await fixture
      .newBrowser()
      .signIn(`${link}/start`, { account: accountOf(fixture, 0) });
    expect(again.status).toBe(200);
    expect((await connectionOf(fixture, 'acme')).stage).toBe('verified');
  });

  it('while Klaviyo cannot say which account it was: nothing changes, and a second try succeeds', async () => {
    await using database = await create();
    await using fixture = await startFlow({ databaseUrl: database.url });
    const link = await inviteAcme(fixture);
    fixture.sandbox.addFault({
      kind: 'html',
      status: 200,
      match: { path: '/api/accounts' },
      times: 1,
    });
    const browser = fixture.newBrowser('*/*');
    const failed = await browser.signIn(`${link}/start`, { account: accountOf(fixture, 0) });
    expect(failed.status).toBe(400);
    expect(errorOf(failed).error).toBe('account_unverified');
    expect((await connectionOf(fixture, 'acme')).stage).toBe('invited');
    await expectStillOnKey(fixture, 'acme', 0);
    const again = await browser.signIn(`${link}/start`, { account: accountOf(fixture, 0) });
    expect(again.status).toBe(200);
  });
});

describe('the page of an invitation', () => {
  it('works without JavaScript and shows the account, no key and nothing to cache', async () => {
    await using fixture = await startFlow();
    const page = await fixture.newBrowser().get(await inviteAcme(fixture));
    expect(page.headers.get('cache-control')).toContain('no-store');
    expect(page.headers.get('referrer-policy')).toBe('no-referrer');
    expect(page.body).not.toContain('<script');
    expect(page.body).not.toContain(keyOf(fixture, 0));
    expect(page.body, 'it is its owner’s').toContain(accountOf(fixture, 0));
  });
});
