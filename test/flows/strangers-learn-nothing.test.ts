import { describe, expect, it } from 'vitest';
import { KeyshiftError } from '../../src/errors/keyshift-error.ts';
import { send } from '../support/answer.ts';
import { createCollectingLogger } from '../support/collecting-logger.ts';
import { pageAccept } from '../support/browser.ts';
import { startFlow } from '../support/flow-fixture.ts';

const inside = 'PostgreSQL at keyshift:5432/inner of role keeper';

/** Every table fails as a database does that is away. */
async function startWithoutDatabase(mode: 'development' | 'production') {
  const { logger, lines } = createCollectingLogger();
  const flow = await startFlow({ mode, logger });
  const { store } = flow.keyshift;
  const fail = () =>
    Promise.reject(new KeyshiftError('database_unavailable', `${inside} cannot be used.`));
  const failing = new Proxy({}, { get: () => fail });
  const tables = ['connections', 'privateKeys', 'invitations', 'authorizations', 'grants'] as const;
  for (const table of tables) Object.assign(store[table], failing, allOf(store[table], fail));
  Object.assign(store, { ping: fail, transaction: fail });
  return { ...flow, lines };
}

function allOf(table: object, fail: () => Promise<never>): Record<string, unknown> {
  return Object.fromEntries(Object.keys(table).map((name) => [name, fail]));
}

describe.each(['development', 'production'] as const)('in %s, a stranger', (mode) => {
  it('learns nothing of a database that is away, on any route', async () => {
    await using flow = await startWithoutDatabase(mode);
    const start = await send(`${flow.url}/auth/start`);
    const state = new URL(start.headers.get('location') ?? '').searchParams.get('state');
    const cookie = start.headers.getSetCookie()[0]?.split(';', 1)[0] ?? '';
    const key = { authorization: `Klaviyo-API-Key pk_${'9'.repeat(34)}` };
    const service = { authorization: `Bearer ${flow.secrets.serviceToken}` };
    const requests: readonly (readonly [string, RequestInit])[] = [
      ['/readyz', {}],
      ['/connect/a-link', {}],
      ['/connect/a-link/start', {}],
      ['/connect/a-link/administrator', {}],
      ['/connect/a-link/unsubscribe/x', { method: 'POST' }],
      [`/auth/callback?code=x&state=${state}`, { headers: { cookie } }],
      [`/auth/callback/result?attempt=${state}`, { headers: { cookie } }],
      ['/api/profiles', { headers: key }],
      ['/api/profiles', { headers: { ...service, 'keyshift-customer': 'acme' } }],
      ['/metrics', { headers: service }],
    ];
    let outages = 0;
    for (const [path, init] of requests) {
      for (const accept of ['*/*', pageAccept]) {
        const headers = { ...(init.headers as Record<string, string>), accept };
        const { status, body } = await send(flow.url + path, { ...init, headers });
        expect(body).not.toMatch(/keyshift:5432|inner|keeper|PostgreSQL|DATABASE_URL/);
        if (status === 503) outages += 1;
      }
    }
    expect(outages).toBeGreaterThan(9);
    expect(flow.lines.raw.join('')).toContain(inside);
  });
});
