import { describe, expect, it } from 'vitest';
import { approveConsent } from '../../src/sandbox.ts';
import { errorOf, send, tokensOf, type Answer } from '../support/answer.ts';
import { startFlow, type FlowFixture } from '../support/flow-fixture.ts';
import {
  accountOf,
  connectionOf,
  importAndCheck,
  invite,
  keyOf,
} from '../support/migration-steps.ts';

const token = { path: '/oauth/token' };

async function inviteAcme(fixture: FlowFixture): Promise<string> {
  await importAndCheck(fixture, [{ customerId: 'acme', key: keyOf(fixture, 0) }]);
  return invite(fixture, 'acme');
}

function resultOf(answer: Answer): string {
  expect(answer.status).toBe(303);
  expect(answer.headers.get('cache-control')).toContain('no-store');
  return new URL(answer.headers.get('location') ?? '', answer.url).href;
}

describe('a callback that the browser delivers twice', () => {
  it('waits for the first, shows the same, and spends one code', async () => {
    await using fixture = await startFlow({ mode: 'production' });
    const link = await inviteAcme(fixture);
    const browser = fixture.newBrowser();
    const account = accountOf(fixture, 0);
    const callback = await approveConsent(await browser.start(`${link}/start`), { account });
    fixture.sandbox.addFault({ kind: 'delay', delayMs: 700, match: token, times: 1 });
    const first = browser.getOnce(callback);
    await new Promise((resolve) => setTimeout(resolve, 200));
    // The browser has dropped the first, and shows what the second leads to.
    const shown = await browser.get(callback);
    expect([shown.status, shown.body]).toEqual([
      200,
      expect.stringContaining('Klaviyo is connected'),
    ]);
    const dropped = await browser.getOnce(resultOf(await first));
    expect(dropped.body).toBe(shown.body);
    expect(fixture.sandbox.statistics().exchanges).toBe(1);
    expect(await connectionOf(fixture, 'acme')).toMatchObject({ stage: 'verified' });
  });

  it('shows the same as often as it is looked at, until its cookie ends', async () => {
    await using fixture = await startFlow({ mode: 'production' });
    const link = await inviteAcme(fixture);
    const browser = fixture.newBrowser();
    const account = accountOf(fixture, 0);
    const callback = await approveConsent(await browser.start(`${link}/start`), { account });
    const result = resultOf(await browser.getOnce(callback));
    const pages = [await browser.getOnce(result), await browser.get(callback)];
    fixture.clock.skip(50 * 60_000);
    pages.push(await browser.getOnce(result));
    for (const { status, body } of pages) {
      expect(status).toBe(200);
      expect(body).toContain('Klaviyo is connected');
    }
    fixture.clock.skip(10 * 60_000);
    const late = await browser.getOnce(result);
    expect(late.status).toBe(400);
    expect(late.body).not.toContain('Klaviyo is connected');
  });

  it('shows its result to no other browser', async () => {
    await using fixture = await startFlow({ mode: 'production' });
    const link = await inviteAcme(fixture);
    const browser = fixture.newBrowser();
    const account = accountOf(fixture, 1);
    const callback = await approveConsent(await browser.start(`${link}/start`), { account });
    const result = resultOf(await browser.getOnce(callback));
    const stranger = fixture.newBrowser();
    for (const url of [result, callback, `${fixture.url}/auth/callback/result`, `${result}x`]) {
      const answer = await stranger.get(url);
      expect(answer.status).toBe(400);
      expect(answer.body).not.toContain(link.split('/').at(-1));
      expect(answer.body).not.toContain(accountOf(fixture, 0).slice(0, 2));
    }
    expect((await browser.get(result)).body).toContain('different Klaviyo account');
  });

  it('leaves a way on after the wrong account, by reload and by Back', async () => {
    await using fixture = await startFlow({ mode: 'production' });
    const link = await inviteAcme(fixture);
    const browser = fixture.newBrowser();
    const klaviyo = await browser.start(`${link}/start`);
    const wrong = await approveConsent(klaviyo, { account: accountOf(fixture, 1) });
    const result = resultOf(await browser.getOnce(wrong));
    // Back leads to Klaviyo's page; the right account comes back with a state that was used.
    const right = await approveConsent(klaviyo, { account: accountOf(fixture, 0) });
    for (const url of [result, wrong, right]) {
      const page = await browser.get(url);
      expect(page.status).toBe(400);
      expect(page.body).toContain('different Klaviyo account');
      expect(page.body).toMatch(
        new RegExp(`<a class="button" href="${new URL(link).pathname}">\\s*Start again`),
      );
    }
    expect((await connectionOf(fixture, 'acme')).stage).toBe('attention');
    const again = await browser.signIn(`${link}/start`, { account: accountOf(fixture, 0) });
    expect(again.body).toContain('Klaviyo is connected');
  });

  it('is told to start again where the process ended that completed it', async () => {
    await using fixture = await startFlow({ mode: 'production' });
    const link = await inviteAcme(fixture);
    const browser = fixture.newBrowser();
    const callback = await approveConsent(await browser.start(`${link}/start`));
    const { authorizations } = fixture.keyshift.store;
    const { finish } = authorizations;
    Object.assign(authorizations, { finish: () => Promise.resolve() });
    const result = resultOf(await browser.getOnce(callback));
    Object.assign(authorizations, { finish });
    const page = browser.getOnce(result);
    await new Promise((resolve) => setTimeout(resolve, 300));
    fixture.clock.skip(60_000);
    expect(await page).toMatchObject({
      status: 400,
      body: expect.stringContaining('session timed out') as string,
    });
  });
});

describe('a callback for programs', () => {
  it('answers at once, in production a status and in development the tokens', async () => {
    await using production = await startFlow({ mode: 'production' });
    const link = await inviteAcme(production);
    const account = accountOf(production, 0);
    const answer = await production.newBrowser('*/*').signIn(`${link}/start`, { account });
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toMatchObject({ status: 'connected' });
    await using development = await startFlow();
    for (const accept of ['*/*', undefined]) {
      const browser = development.newBrowser(accept);
      const callback = await approveConsent(await browser.start(`${development.url}/auth/start`));
      const tokens = await browser.getOnce(callback);
      expect(tokens.status).toBe(200);
      tokensOf(tokens);
      const again = await browser.getOnce(callback);
      expect(again.status).toBe(400);
      if (accept !== undefined) expect(errorOf(again).error).toBe('state_reused');
    }
  });
});

describe('a start', () => {
  it('writes nothing until it comes back, at every door', async () => {
    await using fixture = await startFlow({ mode: 'production' });
    const link = await inviteAcme(fixture);
    const { store } = fixture.keyshift;
    await fixture.newBrowser().get(link);
    const before = store.version();
    for (const url of [
      `${fixture.url}/auth/start`,
      `${fixture.url}/auth/install`,
      `${link}/start`,
    ]) {
      for (let count = 0; count < 10; count += 1) await fixture.newBrowser().start(url);
    }
    expect(before).toBeDefined();
    expect(store.version()).toBe(before);
    expect(await store.authorizations.purge(Number.MAX_SAFE_INTEGER)).toBe(0);
  });

  it('leaves one browser with few cookies that go to every path, however often it starts', async () => {
    await using fixture = await startFlow({
      environment: { REDIRECT_URI: 'https://app.example/auth/callback' },
    });
    const jar = new Map<string, string>([['of-the-application', '1']]);
    for (let count = 0; count < 30; count += 1) {
      const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
      const answer = await send(`${fixture.url}/auth/start`, { headers: { cookie } });
      for (const line of answer.headers.getSetCookie()) {
        const [name = '', value = ''] = (line.split(';', 1)[0] ?? '').split('=');
        if (/max-age=0/i.test(line)) jar.delete(name);
        else jar.set(name, value);
      }
    }
    expect([...jar.keys()].filter((name) => name.includes('attempt'))).toHaveLength(10);
    expect(jar.has('of-the-application')).toBe(true);
  });
});
