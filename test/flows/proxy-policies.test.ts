import { describe, expect, it } from 'vitest';
import { routeSwitchName } from '../../src/calls/route-policies.ts';
import type { ConnectionChange, Way } from '../../src/model/connection.ts';
import { unguessable } from '../../src/runtime/guess-limiter.ts';
import { apiErrorOf, post, send, type Answer } from '../support/answer.ts';
import { startFlow, type FlowFixture } from '../support/flow-fixture.ts';
import {
  connectionOf,
  importAndCheck,
  keyOf,
  migrateToLive,
  migrateToVerified,
} from '../support/migration-steps.ts';

const environment = {
  KLAVIYO_SCOPES: 'accounts:read profiles:read profiles:write events:read events:write',
};

const byKey = (fixture: FlowFixture, at = 0) => ({
  authorization: `Klaviyo-API-Key ${keyOf(fixture, at)}`,
});

const routeOf = (answer: Answer) => answer.headers.get('keyshift-route');

function get(fixture: FlowFixture, path: string): Promise<Answer> {
  return send(fixture.url + path, { headers: byKey(fixture) });
}

function sendEvent(fixture: FlowFixture): Promise<Answer> {
  const metric = { data: { type: 'metric', attributes: { name: 'Placed Order' } } };
  const profile = { data: { type: 'profile', attributes: { email: 'ada@shop.example' } } };
  const attributes = { properties: {}, metric, profile };
  return post(`${fixture.url}/api/events`, { data: { type: 'event', attributes } }, byKey(fixture));
}

/** What was sent of an operation, by the credential that it reached the sandbox with. */
function sentOf({ sandbox }: FlowFixture, operation: string): string[] {
  return sandbox
    .requests()
    .filter((request) => request.operation === operation)
    .map(({ credential }) => credential);
}

function canaryOf(canaryPercent: number): Way {
  return { route: 'canary', canaryPercent, liveSinceMs: undefined, watchedSinceMs: 0 };
}

async function change(fixture: FlowFixture, patch: ConnectionChange): Promise<void> {
  const { store, clock } = fixture.keyshift;
  await store.connections.update(await connectionOf(fixture, 'acme'), patch, clock.now());
  fixture.clock.skip(1_000);
}

const forbidden = {
  errors: [{ id: 'e', code: 'permission_denied', title: 't', detail: 'missing required scopes' }],
};

describe('a call that Klaviyo refuses by OAuth', () => {
  it('goes out by key, which is counted, written down and shown; events never do', async () => {
    await using fixture = await startFlow({ environment });
    const { id } = await migrateToLive(fixture, 'acme', 0);
    const { keyshift, sandbox } = fixture;
    for (const operation of ['get_profiles', 'create_event']) {
      const fault = { kind: 'status', status: 403, body: forbidden, times: 1 } as const;
      sandbox.addFault({ ...fault, match: { operation } });
    }
    const read = await get(fixture, '/api/profiles');
    expect(read.status).toBe(200);
    expect(routeOf(read)).toBe('key');
    const event = await sendEvent(fixture);
    expect(event.status).toBe(403);
    expect(routeOf(event)).toBe('oauth');
    expect(sentOf(fixture, 'create_event')).not.toContain('key');
    const audit = await keyshift.store.audit.listByConnection(id);
    expect(audit.filter(({ action }) => action === 'proxy.fall_back')).toMatchObject([
      { actor: 'proxy', reason: 'get_profiles: 403 permission_denied' },
    ]);
    const metrics = (await send(`${fixture.url}/metrics`)).body;
    expect(metrics).toContain('keyshift_fall_backs_total{reason="403 permission_denied"} 1');
    expect(metrics).toMatch(
      /keyshift_klaviyo_call_seconds_count\{operation="get_profiles",route="key",status="200"\} 1/,
    );
  });

  it('comes back as it is where fall-back is switched off, and where only the edge spoke', async () => {
    await using fixture = await startFlow({ environment });
    await migrateToLive(fixture, 'acme', 0);
    const { keyshift, sandbox } = fixture;
    const html = { 'content-type': 'text/html' };
    const match = { operation: 'get_profiles' };
    sandbox.addFault({
      kind: 'status',
      status: 403,
      headers: html,
      body: '<html>',
      match,
      times: 4,
    });
    const edge = await get(fixture, '/api/profiles');
    expect([edge.status, routeOf(edge)]).toEqual([403, 'oauth']);
    expect(sentOf(fixture, 'get_profiles')).not.toContain('key');
    sandbox.clearFaults();
    await keyshift.store.switches.set('fall_back', 'off', keyshift.clock.now(), 'test');
    fixture.clock.skip(1_000);
    sandbox.addFault({ kind: 'status', status: 403, body: forbidden, match, times: 1 });
    const refused = await get(fixture, '/api/profiles');
    expect([refused.status, routeOf(refused)]).toEqual([403, 'oauth']);
  });
});

describe('a policy', () => {
  it('of the operator: the switch for all, the library included, and exceptions for one operation', async () => {
    await using fixture = await startFlow({ environment });
    const { id } = await migrateToLive(fixture, 'acme', 0);
    const { store, clock, connection } = fixture.keyshift;
    const library = async () =>
      (await connection({ customerId: 'acme' }).fetch('/api/profiles')).route;
    const routes = async () => {
      fixture.clock.skip(1_000);
      const proxied = await get(fixture, '/api/profiles');
      return [routeOf(proxied), await library(), routeOf(await sendEvent(fixture))];
    };
    expect(await routes()).toEqual(['oauth', 'oauth', 'oauth']);
    await store.switches.set(routeSwitchName, 'key', clock.now(), 'test');
    expect(await routes()).toEqual(['key', 'key', 'key']);
    await store.switches.set(routeSwitchName, undefined, clock.now(), 'test');
    for (const operation of ['get_profiles', 'create_event']) {
      const exception = { connectionId: id, operation, route: 'key', actor: 'test' } as const;
      await store.routeExceptions.put({ ...exception, createdAtMs: clock.now() });
    }
    // Events of a live connection go by OAuth or not at all.
    expect(await routes()).toEqual(['key', 'key', 'oauth']);
  });

  it('of a canary takes its share of the calls, and leaves events on the key', async () => {
    await using fixture = await startFlow({ environment });
    await migrateToVerified(fixture, 'acme', 0);
    await change(fixture, { way: canaryOf(40) });
    const route = async (at: number) => routeOf(await get(fixture, `/api/profiles/none-${at}`));
    const first = await Promise.all(Array.from({ length: 100 }, (_, at) => route(at)));
    const byOAuth = first.filter((each) => each === 'oauth').length;
    expect(byOAuth).toBeGreaterThan(15);
    expect(byOAuth).toBeLessThan(70);
    expect(await Promise.all(first.map((_, at) => route(at)))).toEqual(first);
    await change(fixture, { way: canaryOf(100) });
    expect(routeOf(await get(fixture, '/api/profiles'))).toBe('oauth');
    expect(routeOf(await sendEvent(fixture))).toBe('key');
  });

  it('of shadow reads repeats reads by OAuth, never writes, and reports where answers differ', async () => {
    await using fixture = await startFlow({ environment });
    const { id } = await migrateToVerified(fixture, 'acme', 0);
    const { keyshift, sandbox } = fixture;
    await change(fixture, { shadowPercent: 100 });
    expect(routeOf(await get(fixture, '/api/profiles'))).toBe('key');
    // Beside the scopes of the grant: OAuth answers 403 where the key answers 200.
    expect(routeOf(await get(fixture, '/api/lists'))).toBe('key');
    await sendEvent(fixture);
    const results = async () => {
      await keyshift.traffic.writeBehind.flush();
      return keyshift.store.shadow.list(id);
    };
    await expect.poll(async () => (await results()).length, { timeout: 15_000 }).toBe(2);
    expect(await results()).toMatchObject([
      {
        operation: 'get_lists',
        different: 1,
        lastDifference: 'status 200 with the key, 403 over OAuth',
      },
      { operation: 'get_profiles', compared: 1, different: 0, lastDifference: undefined },
    ]);
    expect(sandbox.statistics().byOperation['create_event']).toEqual({ 202: 1 });
  });
});

describe('a failure of Klaviyo that passes', () => {
  it('is sat out as the client does: 429 for every call, 5xx for what may be repeated', async () => {
    await using fixture = await startFlow({ environment });
    await importAndCheck(fixture, [{ customerId: 'acme', key: keyOf(fixture, 0) }]);
    const { sandbox } = fixture;
    const headers = { 'retry-after': '1' };
    const throttled = { errors: [{ id: 'e', code: 'throttled', title: 't', detail: 'd' }] };
    const match = { operation: 'create_event' };
    sandbox.addFault({ kind: 'status', status: 429, headers, body: throttled, match, times: 1 });
    expect((await sendEvent(fixture)).status).toBe(202);
    sandbox.addFault({ kind: 'status', status: 503, match, times: 1 });
    expect((await sendEvent(fixture)).status).toBe(503);
    sandbox.addFault({
      kind: 'status',
      status: 503,
      match: { operation: 'get_profiles' },
      times: 1,
    });
    expect((await get(fixture, '/api/profiles')).status).toBe(200);
    expect(sandbox.statistics().faults).toBe(3);
    expect(sandbox.statistics().byOperation['create_event']).toEqual({ 202: 1 });
  });
});

describe('who guesses keys', () => {
  it('is slowed down by 429 in Klaviyo’s form; who is known never is', async () => {
    await using fixture = await startFlow({ environment });
    await importAndCheck(fixture, [
      { customerId: 'acme', key: keyOf(fixture, 0) },
      { customerId: 'late', key: keyOf(fixture, 1) },
    ]);
    expect((await get(fixture, '/api/accounts')).status).toBe(200);
    const guess = (at: number) =>
      send(`${fixture.url}/api/accounts`, {
        headers: { authorization: `Klaviyo-API-Key pk_guess${at}` },
      });
    const statuses = [];
    for (let at = 0; at <= unguessable.failures; at += 1) statuses.push((await guess(at)).status);
    expect(statuses).toEqual([...Array<number>(unguessable.failures).fill(401), 429]);
    const refused = await guess(999);
    expect(refused.headers.get('keyshift-error')).toBe('too_many_attempts');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(apiErrorOf(refused).code).toBe('throttled');
    expect((await get(fixture, '/api/accounts')).status).toBe(200);
    const late = await send(`${fixture.url}/api/accounts`, { headers: byKey(fixture, 1) });
    expect(late.status).toBe(200);
  });
});

describe('who has the right key', () => {
  it('is answered at once behind an address from which others guess', async () => {
    const customers = 40;
    await using fixture = await startFlow({ environment, customers });
    await importAndCheck(
      fixture,
      Array.from({ length: customers }, (_, at) => ({
        customerId: `customer-${at}`,
        key: keyOf(fixture, at),
      })),
    );
    const call = (authorization: string) =>
      send(`${fixture.url}/api/accounts`, { headers: { authorization } });
    const dead = `Klaviyo-API-Key pk_${'9'.repeat(34)}`;
    for (let at = 0; at < unguessable.failures + 5; at += 1) await call(dead);
    const flood = Array.from({ length: 200 }, () => call(dead));
    const startedMs = performance.now();
    const rightful = await Promise.all(
      Array.from({ length: customers }, (_, at) => call(byKey(fixture, at).authorization)),
    );
    expect(rightful.map(({ status }) => status)).toEqual(Array<number>(customers).fill(200));
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    expect(new Set((await Promise.all(flood)).map(({ status }) => status))).toEqual(new Set([429]));
  });
});

describe('a retired key', () => {
  it('is its caller’s name until it is forgotten', async () => {
    await using fixture = await startFlow({ environment });
    const { id } = await migrateToLive(fixture, 'acme', 0);
    const { store, clock } = fixture.keyshift;
    await store.privateKeys.destroy(id, clock.now());
    fixture.clock.skip(10_000);
    expect(routeOf(await get(fixture, '/api/accounts'))).toBe('oauth');
    // There is no key to go back to: the switch leaves such a connection where it is.
    await store.switches.set(routeSwitchName, 'key', clock.now(), 'test');
    fixture.clock.skip(10_000);
    expect(routeOf(await get(fixture, '/api/accounts'))).toBe('oauth');
    await store.privateKeys.forget(id);
    fixture.clock.skip(10_000);
    expect((await get(fixture, '/api/accounts')).status).toBe(401);
  });
});
