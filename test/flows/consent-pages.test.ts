import { describe, expect, it } from 'vitest';
import { approveConsent } from '../../src/sandbox.ts';
import { startFlow, type FlowFixture } from '../support/flow-fixture.ts';
import {
  accountOf,
  connectionOf,
  importAndCheck,
  invite,
  keyOf,
} from '../support/migration-steps.ts';

async function open(options: Parameters<typeof startFlow>[0] = {}) {
  const fixture = await startFlow(options);
  await importAndCheck(fixture, [{ customerId: 'acme', key: keyOf(fixture, 0) }]);
  return { fixture, link: await invite(fixture, 'acme') };
}

/** Comes back from Klaviyo with an error, as the state of the attempt allows. */
async function comeBack(fixture: FlowFixture, link: string, error: Record<string, string>) {
  const browser = fixture.newBrowser();
  const page = new URL(await browser.start(`${link}/start`));
  const query = new URLSearchParams({ ...error, state: page.searchParams.get('state') ?? '' });
  return browser.get(`${fixture.url}/auth/callback?${query.toString()}`);
}

describe('a customer', () => {
  it.each([
    { error: 'access_denied', error_description: 'Your role may not install apps. Ask an admin.' },
    { error: 'insufficient_permissions' },
  ])('whose role may not approve is told whom to ask ($error)', async (error) => {
    const { fixture, link } = await open();
    await using _ = fixture;
    const answer = await comeBack(fixture, link, error);
    expect(answer.status).toBe(400);
    expect(answer.body).toContain('Klaviyo didn’t let you approve');
    expect(answer.body).toContain(`${new URL(link).pathname}/administrator`);
    expect((await connectionOf(fixture, 'acme')).attentionReason).toBeUndefined();
  });

  it('who declines is not taken for one who may not', async () => {
    const { fixture, link } = await open();
    await using _ = fixture;
    const answer = await comeBack(fixture, link, {
      error: 'access_denied',
      error_description: 'The resource owner or authorization server denied the request',
    });
    expect(answer.body).toContain('You declined the connection');
    expect(await connectionOf(fixture, 'acme')).toMatchObject({
      attentionReason: 'consent_denied',
    });
  });

  it('who reloads the page after success reads that all is done', async () => {
    const { fixture, link } = await open();
    await using _ = fixture;
    const browser = fixture.newBrowser();
    const page = await browser.start(`${link}/start`);
    const callback = await approveConsent(page, { account: accountOf(fixture, 0) });
    expect((await browser.get(callback)).status).toBe(200);
    const again = await browser.get(callback);
    expect(again.status).toBe(200);
    expect(again.body).toContain('Klaviyo is connected');
  });

  it('whose code ran out at Klaviyo, or who meets an outage, can start again from the page', async () => {
    const { fixture, link } = await open();
    await using _ = fixture;
    const refuse = (status: number, body: Record<string, string>) =>
      fixture.sandbox.addFault({
        ...{ kind: 'status', status, body, times: 1, match: { path: '/oauth/token' } },
      });
    refuse(400, { error: 'invalid_grant', error_description: 'Code expired.' });
    const choice = { account: accountOf(fixture, 0) };
    const late = await fixture.newBrowser().signIn(`${link}/start`, choice);
    expect(late.body).toContain('Your session timed out');
    expect(late.body).toContain(`class="button" href="${new URL(link).pathname}"`);
    expect((await fixture.newBrowser().signIn(`${link}/start`, choice)).status).toBe(200);
  });

  it('with a withdrawn link is told that there may be a newer one', async () => {
    const { fixture, link } = await open();
    await using _ = fixture;
    const { store, clock } = fixture.keyshift;
    const [invitation] = await store.invitations.listByConnection(
      (await connectionOf(fixture, 'acme')).id,
    );
    await store.invitations.revoke(invitation!.id, clock.now());
    const answer = await fixture.newBrowser().get(link);
    expect(answer.status).toBe(410);
    expect(answer.body).toContain('This link was revoked');
  });
});

describe('an installation that begins at Klaviyo', () => {
  it('is matched to the connection of its account', async () => {
    const { fixture } = await open({ mode: 'production' });
    await using _ = fixture;
    const answer = await fixture
      .newBrowser()
      .signIn(`${fixture.url}/auth/install`, { account: accountOf(fixture, 0) });
    expect(answer.status).toBe(200);
    expect(answer.body).toContain('Klaviyo is connected');
    expect(await connectionOf(fixture, 'acme')).toMatchObject({ stage: 'verified', route: 'key' });
  });

  it('is kept for an account that no customer has, and found when its key arrives', async () => {
    const { fixture } = await open({ mode: 'production' });
    await using _ = fixture;
    const { store, verify } = fixture.keyshift;
    const answer = await fixture
      .newBrowser()
      .signIn(`${fixture.url}/auth/install`, { account: accountOf(fixture, 1) });
    expect(answer.status).toBe(200);
    expect(answer.body).toContain('The app is installed');
    const unclaimed = await store.grants.listUnclaimed('flow-app');
    expect(unclaimed).toMatchObject([{ accountId: accountOf(fixture, 1) }]);
    await importAndCheck(fixture, [{ customerId: 'late', key: keyOf(fixture, 1) }]);
    expect(await store.grants.listUnclaimed('flow-app')).toEqual([]);
    await verify(await connectionOf(fixture, 'late'), { actor: 'cli' });
    expect(await connectionOf(fixture, 'late')).toMatchObject({ stage: 'verified' });
  });
});
