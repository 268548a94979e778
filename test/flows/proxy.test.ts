import { describe, expect, it } from 'vitest';
import { accountIdOf, apiErrorOf, send, type Answer } from '../support/answer.ts';
import { findFreePort } from '../../src/runtime/free-port.ts';
import { startFlow, type FlowFixture } from '../support/flow-fixture.ts';
import {
  accountOf,
  connectionOf,
  importOnly,
  keyOf,
  migrateToLive,
  migrateToVerified,
  retireNow,
} from '../support/migration-steps.ts';

const byKey = (key: string) => ({ authorization: `Klaviyo-API-Key ${key}` });

function byService({ secrets }: FlowFixture, target: Record<string, string>) {
  return { authorization: `Bearer ${secrets.serviceToken}`, ...target };
}

function call({ url }: FlowFixture, headers: Record<string, string>, path = '/api/accounts') {
  return send(url + path, { headers });
}

function routeOf(answer: Answer): string | null {
  return answer.headers.get('keyshift-route');
}

/** The credential that the last request reached the sandbox with. */
function lastCredential({ sandbox }: FlowFixture) {
  return sandbox.requests().at(-1)?.credential;
}

function expectOwnError(
  answer: Answer,
  status: number,
  code: string,
  route: 'key' | 'oauth' | null = null,
): void {
  expect(answer.status).toBe(status);
  expect(answer.headers.get('keyshift-error')).toBe(code);
  expect(answer.headers.get('content-type')).toBe('application/vnd.api+json');
  expect(routeOf(answer)).toBe(route);
  expect(apiErrorOf(answer).id).toBe(answer.headers.get('keyshift-request-id'));
}

describe('a proxied call that Keyshift refuses', () => {
  it.each<[string, Record<string, string>]>([
    ['no credential', {}],
    ['an unknown key', byKey(`pk_${'9'.repeat(34)}`)],
    ['something that is no key', byKey('not-a-key')],
    ['an unknown bearer', { authorization: 'Bearer unknown', 'keyshift-customer': 'acme' }],
    ['HTTP Basic', { authorization: 'Basic YTpi' }],
  ])('answers %s in the form of Klaviyo, marked as its own', async (_name, headers) => {
    await using fixture = await startFlow();
    await migrateToLive(fixture, 'acme', 0);
    const before = fixture.sandbox.statistics().requests;
    const answer = await call(fixture, headers);
    expectOwnError(answer, 401, 'unauthenticated');
    expect(apiErrorOf(answer).code).toBe('not_authenticated');
    expect(answer.headers.get('www-authenticate')).toContain('Klaviyo-API-Key');
    expect(answer.body).not.toContain('9'.repeat(34));
    expect(fixture.sandbox.statistics().requests).toBe(before);
  });

  it('says what is missing or unknown to a service', async () => {
    await using fixture = await startFlow();
    const ask = (target: Record<string, string>) => call(fixture, byService(fixture, target));
    expectOwnError(await ask({}), 400, 'request_invalid');
    expectOwnError(await ask({ 'keyshift-customer': 'nobody' }), 404, 'connection_not_found');
    expectOwnError(await ask({ 'keyshift-account': 'XXXXXX' }), 404, 'grant_not_found');
    expect(fixture.sandbox.statistics().requests).toBe(0);
  });

  it('answers 502 in the form of Klaviyo when nothing listens there', async () => {
    const KLAVIYO_API_URL = `http://localhost:${await findFreePort()}`;
    await using fixture = await startFlow({ environment: { KLAVIYO_API_URL } });
    await importOnly(fixture, [{ customerId: 'acme', key: keyOf(fixture, 0) }]);
    expectOwnError(
      await call(fixture, byKey(keyOf(fixture, 0))),
      502,
      'upstream_unreachable',
      'key',
    );
  });
});

describe('the route of a proxied call', () => {
  it('is the key before the cutover, OAuth after it, and the key again after a rollback', async () => {
    await using fixture = await startFlow();
    const { cutover } = fixture.keyshift;
    const verified = await migrateToVerified(fixture, 'acme', 0);
    const expectRoute = async (route: 'key' | 'oauth') => {
      fixture.clock.skip(1_000);
      const answer = await call(fixture, byKey(keyOf(fixture, 0)));
      expect(accountIdOf(answer)).toBe(accountOf(fixture, 0));
      expect(routeOf(answer)).toBe(route);
      expect(lastCredential(fixture)).toBe(route);
    };
    await expectRoute('key');
    const live = await cutover.cutOver(verified, 'cli');
    await expectRoute('oauth');
    await cutover.rollBack(live, 'cli');
    await expectRoute('key');
  });

  it('is OAuth for a retired key, which stays a name after it was destroyed', async () => {
    await using fixture = await startFlow();
    const live = await migrateToLive(fixture, 'acme', 0);
    await retireNow(fixture, live);
    expect(await fixture.keyshift.store.privateKeys.open(live.id)).toBeUndefined();
    const answer = await call(fixture, byKey(keyOf(fixture, 0)));
    expect(accountIdOf(answer)).toBe(accountOf(fixture, 0));
    expect(routeOf(answer)).toBe('oauth');
    expect(lastCredential(fixture)).toBe('oauth');
  });

  it('follows the customer, or the account, that a service names', async () => {
    await using fixture = await startFlow();
    await migrateToVerified(fixture, 'on-key', 0);
    await migrateToLive(fixture, 'on-oauth', 1);
    const ask = async (target: Record<string, string>) => {
      const answer = await call(fixture, byService(fixture, target));
      return [accountIdOf(answer), routeOf(answer)];
    };
    const [first, second] = [accountOf(fixture, 0), accountOf(fixture, 1)];
    expect(await ask({ 'keyshift-customer': 'on-key' })).toEqual([first, 'key']);
    expect(await ask({ 'keyshift-account': first })).toEqual([first, 'key']);
    expect(await ask({ 'keyshift-customer': 'on-oauth' })).toEqual([second, 'oauth']);
    expect(await ask({ 'keyshift-account': second })).toEqual([second, 'oauth']);
  });

  it('is OAuth for an account that consented without being a customer', async () => {
    await using fixture = await startFlow();
    const account = accountOf(fixture, 2);
    await fixture.newBrowser().signIn(`${fixture.url}/auth/start`, { account });
    const answer = await call(fixture, byService(fixture, { 'keyshift-account': account }));
    expect(accountIdOf(answer)).toBe(account);
    expect(routeOf(answer)).toBe('oauth');
  });

  it('gives each customer its own account, whatever order they call in', async () => {
    await using fixture = await startFlow();
    await migrateToLive(fixture, 'a', 0);
    await migrateToVerified(fixture, 'b', 1);
    await migrateToLive(fixture, 'c', 2);
    const calls = Array.from({ length: 30 }, async (_, at) => {
      const answer = await call(fixture, byKey(keyOf(fixture, at % 3)));
      expect(accountIdOf(answer)).toBe(accountOf(fixture, at % 3));
    });
    await Promise.all(calls);
  });
});

describe('a proxied call whose access token Klaviyo refuses', () => {
  const event = {
    data: {
      type: 'event',
      attributes: {
        properties: { amount: 5 },
        metric: { data: { type: 'metric', attributes: { name: 'Placed Order' } } },
        profile: { data: { type: 'profile', attributes: { email: 'ada@shop.example' } } },
      },
    },
  };
  const environment = { KLAVIYO_SCOPES: 'accounts:read profiles:read events:write' };

  it.each(['invalidateAccessTokens', 'expireAccessTokens'] as const)(
    'is refreshed and repeated once, with its body (%s)',
    async (spoil) => {
      await using fixture = await startFlow({ environment });
      await migrateToLive(fixture, 'acme', 0);
      expect(fixture.sandbox[spoil]()).toBe(1);
      const answer = await send(`${fixture.url}/api/events`, {
        method: 'POST',
        headers: { ...byKey(keyOf(fixture, 0)), 'content-type': 'application/vnd.api+json' },
        body: JSON.stringify(event),
      });
      expect(answer.status).toBe(202);
      expect(routeOf(answer)).toBe('oauth');
      expect(fixture.sandbox.statistics().refreshes).toBe(1);
      expect(fixture.sandbox.statistics().byOperation['create_event']).toEqual({ 401: 1, 202: 1 });
      expect((await call(fixture, byKey(keyOf(fixture, 0)))).status).toBe(200);
      expect(fixture.sandbox.statistics().refreshes).toBe(1);
    },
  );

  it('shares one refresh with 20 others that come at the same time', async () => {
    await using fixture = await startFlow({ sandbox: { rotation: 'rotate' } });
    await migrateToLive(fixture, 'acme', 0);
    fixture.sandbox.invalidateAccessTokens();
    fixture.sandbox.addFault({ kind: 'delay', delayMs: 100, match: { path: '/oauth/token' } });
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => call(fixture, byKey(keyOf(fixture, 0)))),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(fixture.sandbox.statistics().refreshes).toBe(1);
  });

  it('is refreshed first when it is about to expire, before Klaviyo refuses it', async () => {
    await using fixture = await startFlow();
    await migrateToLive(fixture, 'acme', 0);
    fixture.clock.skip(3_500_000);
    const answer = await call(fixture, byKey(keyOf(fixture, 0)));
    expect(answer.status).toBe(200);
    expect(fixture.sandbox.statistics().refreshes).toBe(1);
    expect(fixture.sandbox.statistics().byOperation['get_accounts']?.['401']).toBeUndefined();
  });

  it('passes a second 401 on, after one refresh, and disconnects nobody', async () => {
    await using fixture = await startFlow();
    await migrateToLive(fixture, 'acme', 0);
    const refused = {
      errors: [{ id: 'x', code: 'authentication_failed', title: 't', detail: 'd' }],
    };
    const match = { path: '/api/accounts' };
    fixture.sandbox.addFault({ kind: 'status', status: 401, body: refused, match });
    const answer = await call(fixture, byKey(keyOf(fixture, 0)));
    expect(answer.status).toBe(401);
    expect(answer.headers.get('keyshift-error')).toBeNull();
    expect(apiErrorOf(answer).code).toBe('authentication_failed');
    expect(fixture.sandbox.statistics().refreshes).toBe(1);
    expect((await connectionOf(fixture, 'acme')).stage).toBe('live');
  });

  it('answers a failed refresh as an error of its own, and the customer stays connected', async () => {
    await using fixture = await startFlow({ deadlineMs: 300 });
    await migrateToLive(fixture, 'acme', 0);
    fixture.sandbox.invalidateAccessTokens();
    const headers = { 'retry-after': '3' };
    const match = { path: '/oauth/token' };
    fixture.sandbox.addFault({ kind: 'status', status: 503, headers, match });
    const answer = await call(fixture, byKey(keyOf(fixture, 0)));
    expectOwnError(answer, 503, 'upstream_unavailable', 'oauth');
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(3);
    expect((await connectionOf(fixture, 'acme')).stage).toBe('live');
    fixture.sandbox.clearFaults();
    // Not before the time that Klaviyo asked for.
    await expect
      .poll(async () => (await call(fixture, byKey(keyOf(fixture, 0)))).status, {
        timeout: 10_000,
        interval: 250,
      })
      .toBe(200);
  });

  it('falls back to the key after an uninstall, and sets the customer aside', async () => {
    await using fixture = await startFlow();
    await migrateToLive(fixture, 'acme', 0);
    fixture.sandbox.uninstall(accountOf(fixture, 0));
    const answer = await call(fixture, byKey(keyOf(fixture, 0)));
    expect(answer.status).toBe(200);
    expect(routeOf(answer)).toBe('key');
    expect(await connectionOf(fixture, 'acme')).toMatchObject({
      stage: 'attention',
      attentionReason: 'grant_lost',
    });
    const sent = await send(`${fixture.url}/api/events`, {
      method: 'POST',
      headers: { ...byKey(keyOf(fixture, 0)), 'content-type': 'application/vnd.api+json' },
      body: JSON.stringify(event),
    });
    expectOwnError(sent, 409, 'grant_lost');
    expect(fixture.sandbox.statistics().byOperation['create_event']).toBeUndefined();
  });
});

describe('what is counted of a proxied call', () => {
  async function oauthTally({ keyshift }: FlowFixture) {
    await keyshift.traffic.writeBehind.flush();
    const acme = await keyshift.store.connections.findByCustomer('acme');
    return (await keyshift.store.traffic.summarize(acme!.id, 0)).oauth;
  }

  it('is no refusal when the token had ended early and its successor works', async () => {
    await using fixture = await startFlow();
    await migrateToLive(fixture, 'acme', 0);
    fixture.sandbox.invalidateAccessTokens();
    fixture.clock.skip(120_000);
    const answer = await call(fixture, byKey(keyOf(fixture, 0)));
    expect([answer.status, routeOf(answer)]).toEqual([200, 'oauth']);
    expect(await oauthTally(fixture)).toMatchObject({ calls: 1, ok: 1, refused: 0 });
  });

  it('is a refusal when the grant is gone, although the key answered the caller', async () => {
    await using fixture = await startFlow();
    await migrateToLive(fixture, 'acme', 0);
    fixture.sandbox.uninstall(accountOf(fixture, 0));
    fixture.clock.skip(120_000);
    const answer = await call(fixture, byKey(keyOf(fixture, 0)));
    expect([answer.status, routeOf(answer)]).toEqual([200, 'key']);
    expect(await oauthTally(fixture)).toMatchObject({ calls: 1, ok: 0, refused: 1 });
  });
});
