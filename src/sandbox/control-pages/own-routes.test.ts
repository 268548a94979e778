import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestSandbox, type TestSandbox } from '../../../test/support/sandbox-client.ts';
import { controlRoutes } from '../control/control-routes.ts';

let test: TestSandbox;
beforeEach(async () => {
  test = await startTestSandbox();
});
afterEach(() => test.sandbox.close());

const read = (path: string) => test.request(`/_sandbox${path}`);
const act = (path: string, body: unknown = {}) =>
  test.request(`/_sandbox${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

describe('handle and control routes', () => {
  it('have the same abilities', () => {
    const members = Object.entries(test.sandbox)
      .filter(([name, value]) => typeof value === 'function' && name !== 'close')
      .map(([name]) => name);
    expect(controlRoutes.map(({ ability }) => ability).toSorted()).toEqual(members.toSorted());
  });

  it('have one method and path each', () => {
    const places = controlRoutes.map(({ method, path }) => `${method} ${path}`);
    expect(new Set(places).size).toBe(places.length);
  });

  it('show the same', async () => {
    await test.install();
    await test.get('/api/accounts');
    test.sandbox.addFault({ match: { path: '/x' }, kind: 'reset_after', times: 3 });
    expect((await read('/accounts')).json).toEqual(test.sandbox.accounts());
    expect((await read('/requests')).json).toEqual(plain(test.sandbox.requests()));
    expect((await read('/statistics')).json).toEqual(test.sandbox.statistics());
    expect((await read('/faults')).json).toEqual(test.sandbox.faults());
    expect((await read('/settings')).json).toEqual(test.sandbox.settings());
    expect((await read('/clock')).json).toEqual(test.sandbox.clock());
    expect((await read('/apps')).json).toEqual(test.sandbox.apps());
    expect((await read('/keys?accountId=AAA111')).json).toEqual(test.sandbox.keys('AAA111'));
    expect((await read('/scenarios')).json).toEqual(test.sandbox.scenarios());
    expect((await read('/snapshot')).json).toEqual(plain(test.sandbox.snapshot()));
  });

  it('show no key, token or secret where they list', async () => {
    const tokens = await test.install();
    await test.get('/api/accounts');
    for (const { method, path, ability } of controlRoutes) {
      if (method !== 'GET' || ability === 'snapshot') continue;
      const { status, body } = await read(path);
      expect([path, status]).toEqual([path, 200]);
      for (const secret of ['pk_alphafull', 'secret-one', tokens.access_token.slice(-40)]) {
        expect(body).not.toContain(secret);
      }
    }
  });

  it('create, disable and delete keys alike', async () => {
    const made = await act('/keys', { accountId: 'BBB222', scopes: ['metrics:read'] });
    const key = made.text('key');
    expect(test.sandbox.keys('BBB222').at(-1)?.redactedKey).toBe(`pk_****${key.slice(-4)}`);
    expect((await test.get('/api/metrics', key)).status).toBe(200);
    expect((await test.get('/api/profiles', key)).status).toBe(403);
    const disable = { key: made.at('id'), status: 'disabled' };
    expect((await act('/keys/status', disable)).json).toEqual({ changed: true });
    expect((await test.get('/api/metrics', key)).status).toBe(401);
    expect((await act('/keys/delete', { key })).json).toEqual({ deleted: true });
    expect((await act('/keys/delete', { key })).json).toEqual({ deleted: false });
    expect((await act('/keys', { accountId: 'nobody' })).status).toBe(404);
  });

  it('install an app and regenerate its secret alike', async () => {
    const wanted = { accountId: 'BBB222', clientId: 'app-one', scopes: ['accounts:read'] };
    const installed = await act('/install', wanted);
    const token = installed.text('accessToken');
    expect((await test.get('/api/accounts', token)).at('data.0.id')).toBe('BBB222');
    expect((await act('/install', { ...wanted, scopes: ['lists:read'] })).status).toBe(400);
    expect((await act('/install', { accountId: 'BBB222' })).text('fix')).toContain('app-two');
    const made = await act('/apps/secret', { clientId: 'app-one' });
    const app = { clientId: 'app-one', clientSecret: made.text('clientSecret') };
    const fields = {
      grant_type: 'refresh_token',
      refresh_token: installed.text('refreshToken'),
    };
    expect((await test.form(test.sandbox.tokenUrl, fields)).status).toBe(401);
    const renewed = app as Parameters<typeof test.form>[2];
    expect((await test.form(test.sandbox.tokenUrl, fields, renewed)).status).toBe(200);
  });

  it('play and end scenarios, forget requests, seed and reset alike', async () => {
    const play = { name: 'throttled', with: { retryAfterSec: 9 } };
    expect((await act('/scenarios/play', play)).text('did')).toContain('Retry-After: 9');
    expect((await test.get('/api/accounts')).status).toBe(429);
    expect((await act('/scenarios/end', { name: 'throttled' })).json).toEqual({ ended: true });
    expect((await act('/requests/clear')).status).toBe(200);
    expect(test.sandbox.requests()).toEqual([]);
    const account = { id: 'CCC333', name: 'Gamma', keys: [] };
    expect((await act('/seed', { accounts: [account], apps: [] })).status).toBe(200);
    expect(test.sandbox.accounts().map(({ id }) => id)).toContain('CCC333');
    expect((await act('/reset')).status).toBe(200);
    expect(test.sandbox.accounts().map(({ id }) => id)).not.toContain('CCC333');
  });

  it('end installs and tokens alike', async () => {
    const tokens = await test.install('AAA111');
    await test.install('BBB222');
    expect((await act('/tokens/expire', { accountId: 'AAA111' })).json).toEqual({ expired: 1 });
    expect((await test.get('/api/accounts', tokens.access_token)).status).toBe(401);
    expect((await act('/tokens/invalidate')).json).toEqual({ invalidated: 1 });
    expect((await act('/uninstall', { accountId: 'AAA111' })).json).toEqual({ ended: 1 });
    expect((await test.refresh(tokens.refresh_token)).at('error')).toBe('invalid_grant');
  });

  it('add, list and remove faults alike', async () => {
    const fault = { match: { path: '/api/accounts' }, kind: 'status', status: 502, times: 2 };
    const { id } = (await act('/faults', fault)).json as { id: number };
    expect((await test.get('/api/accounts')).status).toBe(502);
    expect((await read('/faults')).json).toEqual([{ id, fault, remaining: 1 }]);
    expect((await act('/faults/remove', { id })).json).toEqual({ removed: true });
    expect((await test.get('/api/accounts')).status).toBe(200);
    expect((await act('/faults/clear')).json).toEqual({ removed: 0 });
  });

  it('change settings alike, from the next request on', async () => {
    expect((await act('/settings', { accessTokenTtlSec: 5 })).at('accessTokenTtlSec')).toBe(5);
    expect(test.sandbox.settings().accessTokenTtlSec).toBe(5);
    expect((await test.install()).expires_in).toBe(5);
  });

  it('move the clock alike, and everything follows it', async () => {
    const { access_token } = await test.install();
    const { nowMs } = test.sandbox.clock();
    expect((await act('/clock/freeze')).json).toEqual({ nowMs, frozen: true, aheadMs: 0 });
    await test.clock.advance(3_600_000);
    expect((await test.get('/api/accounts', access_token)).status).toBe(200);
    expect((await act('/clock/advance', { ms: 3_600_000 })).at('nowMs')).toBe(nowMs + 3_600_000);
    expect((await test.get('/api/accounts', access_token)).status).toBe(401);
    expect((await act('/clock/resume')).json).toEqual({
      nowMs: nowMs + 3_600_000,
      frozen: false,
      aheadMs: 0,
    });
  });
});

describe('input of a control route', () => {
  it('may be form fields, as curl -d sends them', async () => {
    const form = new URLSearchParams({ ms: '1000' });
    const reply = await test.request('/_sandbox/clock/advance', { method: 'POST', body: form });
    expect(reply.at('aheadMs')).toBe(1_000);
  });

  it.each([
    ['a field that is missing', '/uninstall', {}, 'accountId'],
    ['a field that nobody knows', '/tokens/expire', { acount: 'x' }, 'acount'],
    ['a fault that could not happen', '/faults', { kind: 'status', status: 99 }, 'status'],
    ['a setting out of range', '/settings', { accessTokenTtlSec: 0 }, 'accessTokenTtlSec'],
    ['time that runs backwards', '/clock/advance', { ms: -1 }, 'ms'],
  ])('is refused with the place named: %s', async (_, path, body, place) => {
    const reply = await act(path, body);
    expect(reply.status).toBe(400);
    expect(reply.at('error')).toBe('request_invalid');
    expect(reply.text('error_description')).toContain(place);
  });

  it('is refused when it is not JSON', async () => {
    const headers = { 'content-type': 'application/json' };
    const reply = await test.request('/_sandbox/faults', { method: 'POST', headers, body: '{' });
    expect(reply.status).toBe(400);
  });

  it('asks for a route that exists, with its method', async () => {
    expect((await read('/nowhere')).status).toBe(404);
    const reply = await read('/uninstall');
    expect([reply.status, reply.headers.get('allow')]).toEqual([405, 'POST']);
  });
});

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
