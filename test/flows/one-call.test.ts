import { Agent, type Dispatcher } from 'undici';
import { describe, expect, it } from 'vitest';
import { send, type Answer } from '../support/answer.ts';
import { startFlow, type FlowFixture } from '../support/flow-fixture.ts';
import { accountOf, keyOf, migrateToLive } from '../support/migration-steps.ts';

const match = { operation: 'get_profiles' };

function byProxy(fixture: FlowFixture): Promise<Answer> {
  const headers = { authorization: `Klaviyo-API-Key ${keyOf(fixture, 0)}` };
  return send(`${fixture.url}/api/profiles`, { headers });
}

const faces = {
  proxy: async (fixture: FlowFixture) => {
    const { status, headers } = await byProxy(fixture);
    return { status, route: headers.get('keyshift-route') };
  },
  library: async ({ keyshift }: FlowFixture) => {
    const response = await keyshift.connection({ customerId: 'acme' }).fetch('/api/profiles');
    const { status, route } = response;
    await response.dump();
    return { status, route };
  },
};

const forbidden = {
  errors: [{ id: 'e', code: 'permission_denied', title: 't', detail: 'missing required scopes' }],
};
const refusedToken = {
  errors: [{ id: 'e', code: 'authentication_failed', title: 't', detail: 'd' }],
};

/** Fall-backs that were counted, by reason. */
function countsOf({ keyshift }: FlowFixture): Record<string, number> {
  return Object.fromEntries(keyshift.traffic.meter.figures.fallBacks());
}

async function auditOf({ keyshift }: FlowFixture, connectionId: string) {
  const events = await keyshift.store.audit.listByConnection(connectionId);
  return events.filter(({ action }) => action === 'proxy.fall_back').map(({ reason }) => reason);
}

describe.each(Object.entries(faces))('a call that goes out by key, by the %s', (_face, call) => {
  it('is counted once, however often it is sent after that', async () => {
    await using fixture = await startFlow();
    const { id } = await migrateToLive(fixture, 'acme', 0);
    fixture.sandbox.uninstall(accountOf(fixture, 0));
    expect(await call(fixture)).toEqual({ status: 200, route: 'key' });
    const before = countsOf(fixture);
    fixture.sandbox.addFault({ kind: 'status', status: 503, match, times: 3 });
    expect(await call(fixture)).toEqual({ status: 200, route: 'key' });
    const after = countsOf(fixture);
    expect(after).toEqual({ ...before, grant_lost: (before['grant_lost'] ?? 0) + 1 });
    expect(await auditOf(fixture, id)).toContain('get_profiles: grant_lost');
  });

  it.each<[string, number, typeof forbidden, string]>([
    ['403', 403, forbidden, '403 permission_denied'],
    ['a second 401', 401, refusedToken, '401 authentication_failed'],
  ])('after %s is counted in the same words', async (_what, status, body, reason) => {
    await using fixture = await startFlow();
    const { id } = await migrateToLive(fixture, 'acme', 0);
    // A token that was just issued is not refreshed again.
    fixture.clock.skip(120_000);
    const times = status === 401 ? 2 : 1;
    fixture.sandbox.addFault({ kind: 'status', status, body, match, times });
    expect(await call(fixture)).toEqual({ status: 200, route: 'key' });
    expect(countsOf(fixture)).toEqual({ [reason]: 1 });
    expect(await auditOf(fixture, id)).toEqual([`get_profiles: ${reason}`]);
  });
});

describe.each(Object.entries(faces))('a call that waits, by the %s', (_face, call) => {
  it('goes out by the route of then: it does not escape a rollback', async () => {
    await using fixture = await startFlow();
    const live = await migrateToLive(fixture, 'acme', 0);
    const { keyshift, sandbox } = fixture;
    const headers = { 'retry-after': '2' };
    const body = { errors: [{ id: 'e', code: 'throttled', title: 't', detail: 'd' }] };
    sandbox.addFault({ kind: 'status', status: 429, headers, body, match, times: 1 });
    const waiting = call(fixture);
    await expect.poll(() => sandbox.statistics().faults, { timeout: 10_000 }).toBe(1);
    await keyshift.cutover.rollBack(live, 'cli');
    expect(await waiting).toEqual({ status: 200, route: 'key' });
    const sent = sandbox.requests().filter(({ operation }) => operation === 'get_profiles');
    expect(sent.map(({ credential }) => credential)).toEqual(['oauth', 'key']);
  });
});

/** What a caller of the library may bring along: it is theirs to close. */
class CountingAgent extends Agent {
  readonly paths: string[] = [];

  override dispatch(options: Agent.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    this.paths.push(options.path);
    return super.dispatch(options, handler);
  }
}

describe('a dispatcher that the caller brings', () => {
  it('carries every call to Klaviyo, whoever makes it, and is left open', async () => {
    const dispatcher = new CountingAgent();
    try {
      const fixture = await startFlow({ dispatcher });
      try {
        await migrateToLive(fixture, 'acme', 0);
        await faces.proxy(fixture);
        await faces.library(fixture);
      } finally {
        await fixture[Symbol.asyncDispose]();
      }
      const arrived = fixture.sandbox.requests().map(({ path }) => path);
      // What the browser of the customer asks for, it asks for itself.
      const ofKeyshift = arrived.filter((path) => !path.startsWith('/oauth/authorize'));
      const sent = dispatcher.paths.map((path) => path.split('?', 1)[0]);
      expect(new Set(sent)).toEqual(new Set(ofKeyshift));
      expect(sent).toEqual(expect.arrayContaining(['/oauth/token', '/api/accounts']));
      expect(sent.filter((path) => path === '/api/profiles')).toHaveLength(2 + 1);
      expect(dispatcher.closed).toBe(false);
    } finally {
      await dispatcher.close();
    }
  });
});
