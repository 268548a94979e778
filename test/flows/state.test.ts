import { describe, expect, it } from 'vitest';
import { approveConsent } from '../../src/sandbox.ts';
import { errorOf, send } from '../support/answer.ts';
import type { Browser } from '../support/browser.ts';
import { expectClear400 } from '../support/expect-clear-400.ts';
import { startFlow, type FlowFixture } from '../support/flow-fixture.ts';

const json = '*/*';

describe('the single use of a state', () => {
  async function comeBack(fixture: FlowFixture, browser: Browser) {
    const callback = await approveConsent(await browser.start(`${fixture.url}/auth/start`));
    return { callback, cookie: browser.cookiesFor(callback) };
  }

  it('refuses the second use of a callback whose cookie was kept', async () => {
    await using fixture = await startFlow();
    const browser = fixture.newBrowser(json);
    const { callback, cookie } = await comeBack(fixture, browser);
    expect((await browser.get(callback)).status).toBe(200);
    const again = await send(callback, { headers: { cookie } });
    expectClear400(again);
    expect(errorOf(again).error).toBe('state_reused');
    expect(fixture.sandbox.statistics().exchanges).toBe(1);
  });

  it('tells a person who reloads the last page that the sign-in was used already', async () => {
    await using fixture = await startFlow();
    const browser = fixture.newBrowser(json);
    const { callback } = await comeBack(fixture, browser);
    expect((await browser.get(callback)).status).toBe(200);
    const again = await browser.get(callback);
    expectClear400(again);
    expect(errorOf(again).error).toBe('state_reused');
  });

  it('lets exactly one of many simultaneous uses through', async () => {
    await using fixture = await startFlow();
    const { callback, cookie } = await comeBack(fixture, fixture.newBrowser(json));
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => send(callback, { headers: { cookie } })),
    );
    const passed = answers.filter(({ status }) => status === 200);
    const refused = answers.filter(({ status }) => status !== 200);
    expect(passed).toHaveLength(1);
    for (const answer of refused) expect(errorOf(answer).error).toBe('state_reused');
    expect(fixture.sandbox.statistics().exchanges).toBe(1);
  });

  it('refuses an expired attempt whose cookie was kept, and says that it took too long', async () => {
    await using fixture = await startFlow();
    const { callback, cookie } = await comeBack(fixture, fixture.newBrowser(json));
    fixture.clock.skip(10 * 60_000);
    const answer = await send(callback, { headers: { cookie } });
    expectClear400(answer);
    expect(errorOf(answer).error).toBe('state_expired');
  });

  it('refuses a callback without a cookie and leaves the attempt to whoever has it', async () => {
    await using fixture = await startFlow();
    const browser = fixture.newBrowser(json);
    const { callback } = await comeBack(fixture, browser);
    const stolen = await send(callback);
    expectClear400(stolen);
    expect(errorOf(stolen).error).toBe('state_invalid');
    expect((await browser.get(callback)).status).toBe(200);
  });

  it("refuses another browser's cookie and leaves the attempt to whoever has it", async () => {
    await using fixture = await startFlow();
    const owner = fixture.newBrowser(json);
    const stranger = fixture.newBrowser(json);
    const own = await comeBack(fixture, owner);
    const other = await comeBack(fixture, stranger);
    const name = own.cookie.split('=', 1)[0]!;
    const foreignNonce = other.cookie.split('=')[1]!;
    for (const cookie of [other.cookie, `${name}=${foreignNonce}`, `${name}=`]) {
      const answer = await send(own.callback, { headers: { cookie } });
      expectClear400(answer);
      expect(errorOf(answer).error).toBe('state_invalid');
    }
    expect((await owner.get(own.callback)).status).toBe(200);
    expect((await stranger.get(other.callback)).status).toBe(200);
  });

  it('does not let a script of another origin read or send the callback by POST', async () => {
    await using fixture = await startFlow();
    const { callback, cookie } = await comeBack(fixture, fixture.newBrowser(json));
    const posted = await send(callback, { method: 'POST', headers: { cookie } });
    expect(posted.status).toBe(404);
    expect(errorOf(posted).error).toBe('not_found');
    expect((await send(callback, { headers: { cookie } })).status).toBe(200);
  });
});
