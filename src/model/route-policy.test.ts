import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { operations } from '../klaviyo/operations.ts';
import { parseConnection, type Connection, type ConnectionColumns } from './connection.ts';
import { sampleColumns } from '../../test/store/contract/contract-test.ts';
import {
  chooseRoute,
  recordsEvents,
  requestKeyOf,
  type RoutedCall,
  type RoutePolicies,
} from './route-policy.ts';

const normal: RoutePolicies = { routeSwitch: undefined, fallBack: true, exceptions: [] };

function callOf(id: string, fields: Partial<RoutedCall> = {}): RoutedCall {
  const operation = operations.find((each) => each.id === id)!;
  const { method, path } = operation;
  return { method, path, headers: {}, operation, ...fields };
}

function connectionOf(fields: Partial<ConnectionColumns>): Connection {
  return parseConnection({ ...sampleColumns('acme'), key: 'held', ...fields });
}

const live = connectionOf({ route: 'oauth', liveSinceMs: 1 });

function exceptionOf(operation: string, route: 'key' | 'oauth', connectionId?: string) {
  return { connectionId, operation, route, createdAtMs: 0, actor: 'cli' };
}

function choose(
  connection: Connection,
  call: RoutedCall,
  policies: Partial<RoutePolicies> = {},
  place = 0.5,
) {
  const random = { fraction: () => place };
  return chooseRoute(connection, call, { ...normal, ...policies }, random).route;
}

describe('the route of a call', () => {
  it('is the connection’s own without a policy', () => {
    expect(choose(connectionOf({ route: 'key' }), callOf('get_profiles'))).toBe('key');
    expect(choose(live, callOf('get_profiles'))).toBe('oauth');
  });

  it('is the switch’s, whatever else is set', () => {
    const exceptions = [exceptionOf('get_profiles', 'oauth')];
    const get = callOf('get_profiles');
    expect(choose(live, get, { routeSwitch: 'key', exceptions })).toBe('key');
    expect(choose(live, callOf('create_event'), { routeSwitch: 'key' })).toBe('key');
    expect(choose(connectionOf({ route: 'key' }), get, { routeSwitch: 'oauth' })).toBe('oauth');
  });

  it('is an exception’s for its operation alone; a connection’s own comes first', () => {
    const exceptions = [
      exceptionOf('get_profiles', 'key'),
      exceptionOf('get_profiles', 'oauth', live.id),
      exceptionOf('get_lists', 'key'),
      exceptionOf('get_tags', 'key', 'another'),
    ];
    expect(choose(live, callOf('get_profiles'), { exceptions })).toBe('oauth');
    expect(choose(live, callOf('get_lists'), { exceptions })).toBe('key');
    expect(choose(live, callOf('get_tags'), { exceptions })).toBe('oauth');
    expect(choose({ ...live, id: 'x' }, callOf('get_profiles'), { exceptions })).toBe('key');
  });

  it('never sends events of a live connection by key on account of an exception', () => {
    const exceptions = [
      exceptionOf('create_event', 'key'),
      exceptionOf('bulk_create_events', 'key'),
    ];
    for (const id of ['create_event', 'bulk_create_events']) {
      expect(choose(live, callOf(id), { exceptions })).toBe('oauth');
      expect(choose(connectionOf({ route: 'key' }), callOf(id), { exceptions })).toBe('key');
    }
  });
});

describe('a canary', () => {
  const canary = (canaryPercent?: number) => connectionOf({ route: 'canary', canaryPercent });

  it('without a share stays on its key, and with all of it goes by OAuth', () => {
    expect(choose(canary(), callOf('get_profiles'))).toBe('key');
    expect(choose(canary(0), callOf('get_profiles'))).toBe('key');
    expect(choose(canary(100), callOf('get_profiles'))).toBe('oauth');
  });

  it('keeps events on the key until the cutover', () => {
    expect(choose(canary(100), callOf('create_event'))).toBe('key');
    expect(
      choose(canary(100), { method: 'POST', path: '/api/x', headers: {}, operation: undefined }),
    ).toBe('key');
  });

  it('spreads calls that name nothing over both routes', () => {
    expect(choose(canary(30), callOf('get_lists'), {}, 0.29)).toBe('oauth');
    expect(choose(canary(30), callOf('get_lists'), {}, 0.31)).toBe('key');
  });

  it('takes its share of resources, and keeps each where it is as the share grows', () => {
    const routes = (percent: number) =>
      Array.from({ length: 2_000 }, (_, at) =>
        choose(canary(percent), callOf('get_profile', { path: `/api/profiles/p${at}` })),
      );
    const [few, more] = [routes(20), routes(60)];
    expect(few.filter((route) => route === 'oauth').length).toBeGreaterThan(300);
    expect(few.filter((route) => route === 'oauth').length).toBeLessThan(500);
    few.forEach((route, at) => {
      if (route === 'oauth') expect(more[at]).toBe('oauth');
    });
  });

  it('sticks to the key of a request', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 99 }), (key, percent) => {
        const headers = { 'idempotency-key': key };
        const first = choose(canary(percent), callOf('get_lists', { headers }), {}, 0);
        expect(choose(canary(percent), callOf('get_lists', { headers }), {}, 0.999)).toBe(first);
      }),
    );
  });
});

describe('the key of a request', () => {
  it('is what it says, else its resource, filter or body, else nothing', () => {
    expect(requestKeyOf(callOf('get_lists'))).toBeUndefined();
    const headers = { 'idempotency-key': 'k' };
    expect(requestKeyOf(callOf('get_profile', { headers }))).toBe('k');
    const path = '/api/profiles/01H?fields[profile]=email';
    expect(requestKeyOf(callOf('get_profile', { path }))).toBe('/api/profiles/01H');
    const filtered = '/api/profiles?filter=equals(email,"a@b.example")';
    expect(requestKeyOf(callOf('get_profiles', { path: filtered }))).toBe(filtered);
    const [one, two] = ['{"a":1}', '{"a":2}'].map((body) =>
      requestKeyOf(callOf('create_profile', { body: Buffer.from(body) })),
    );
    expect(one).not.toBe(two);
    expect(requestKeyOf(callOf('create_profile', { body: '{"a":1}' }))).toBe(one);
  });
});

describe('what records events', () => {
  it('is every operation that may write events or metrics, and every unknown write', () => {
    const recording = operations
      .filter((operation) => operation.path.startsWith('/api/'))
      .filter(({ id }) => recordsEvents(callOf(id)))
      .map(({ id }) => id);
    expect(recording).toContain('create_event');
    expect(recording).toContain('bulk_create_events');
    expect(recording).toContain('create_custom_metric');
    expect(recording).not.toContain('get_events');
    expect(recording).not.toContain('create_profile');
    const unknown = { path: '/api/x', headers: {}, operation: undefined };
    expect(recordsEvents({ ...unknown, method: 'POST' })).toBe(true);
    expect(recordsEvents({ ...unknown, method: 'GET' })).toBe(false);
  });
});
