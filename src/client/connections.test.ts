import { describe, expect, it } from 'vitest';
import { createFakeOAuthClient } from '../../test/support/fake-oauth-client.ts';
import { jsonAnswer, startLoopbackServer } from '../../test/support/loopback-server.ts';
import { benchClientId, openTestBench } from '../../test/support/workbench-fixture.ts';
import { createHttpClient } from '../runtime/http-client.ts';
import { createLogger } from '../runtime/logger.ts';
import { byOAuth, withoutGrant } from '../model/connection.ts';
import { createTokenEngine } from '../tokens/token-engine.ts';
import { createApiCaller } from '../calls/api-caller.ts';
import { createConnections } from './connections.ts';
import { createCredentials } from '../calls/credentials.ts';
import { createRateWindows } from '../calls/rate-windows.ts';

const key = 'pk_0123456789abcdef';

async function open() {
  const bench = await openTestBench();
  const server = await startLoopbackServer(jsonAnswer(200, { data: [] }));
  const { store, clock, random } = bench;
  const oauth = createFakeOAuthClient();
  const logger = createLogger({ level: 'silent' });
  const tokens = createTokenEngine({ store, oauth, clock, random, logger });
  const http = createHttpClient();
  const callApi = createApiCaller({
    dispatcher: http.dispatcher,
    apiUrl: server.url,
    revision: '2026-07-15',
    windows: createRateWindows(),
    ...{ clock, random },
  });
  const credentials = createCredentials({ store, tokens, clientId: benchClientId, clock, random });
  return {
    ...bench,
    oauth,
    server,
    connect: createConnections({ store, credentials, callApi, clock }),
    async setRoute(customerId: string, route: 'key' | 'oauth') {
      const connection = await bench.read(customerId);
      const way = route === 'oauth' ? byOAuth(connection, clock.now()) : withoutGrant(connection);
      await store.connections.update(connection, { way }, clock.now());
    },
    sent: () => server.received.map(({ headers }) => headers.authorization),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await http.close();
      await bench[Symbol.asyncDispose]();
    },
  };
}

describe('a connection', () => {
  it('of an unknown customer is not found, and nothing is sent', async () => {
    await using bench = await open();
    const connection = bench.connect({ customerId: 'nobody' });
    const failure = { code: 'connection_not_found', message: expect.stringContaining('"nobody"') };
    await expect(connection.fetch('/api/profiles')).rejects.toMatchObject(failure);
    await expect(connection.accessToken()).rejects.toMatchObject(failure);
    expect(bench.server.received).toEqual([]);
  });

  it('of an account without a grant is not found either', async () => {
    await using bench = await open();
    await expect(
      bench.connect({ accountId: 'XXXXXX' }).fetch('/api/profiles'),
    ).rejects.toMatchObject({ code: 'grant_not_found' });
  });

  it('is refused without an id, as a program has it whose user is unknown, and with two', async () => {
    await using bench = await open();
    for (const target of [
      undefined,
      {},
      { customerId: undefined },
      { customerId: '' },
      { accountId: 5 },
      { customerId: 'acme', accountId: 'AAA111' },
    ]) {
      expect(() => bench.connect(target as never)).toThrow(
        expect.objectContaining({ code: 'request_invalid' }),
      );
    }
    await bench.grant('AAA111');
    const named = { customerId: undefined, accountId: 'AAA111' } as never;
    expect((await bench.connect(named).fetch('/api/profiles')).status).toBe(200);
  });

  it('on its key gives out no access token, even where there is a grant', async () => {
    await using bench = await open();
    await bench.grant('AAA111');
    await bench.add('acme', { key, accountId: 'AAA111' });
    const connection = bench.connect({ customerId: 'acme' });
    await expect(connection.accessToken()).rejects.toMatchObject({ code: 'stage_conflict' });
    await connection.fetch('/api/profiles');
    expect(bench.sent()).toEqual([`Klaviyo-API-Key ${key}`]);
  });

  it('as a canary stays on its key', async () => {
    await using bench = await open();
    await bench.grant('AAA111');
    await bench.add('acme', { key, route: 'canary', accountId: 'AAA111' });
    await bench.connect({ customerId: 'acme' }).fetch('/api/profiles');
    expect(bench.sent()).toEqual([`Klaviyo-API-Key ${key}`]);
  });

  it('on OAuth sends and gives out the access token of its account', async () => {
    await using bench = await open();
    await bench.grant('AAA111');
    await bench.add('acme', { key, route: 'oauth', accountId: 'AAA111' });
    const connection = bench.connect({ customerId: 'acme' });
    const response = await connection.fetch('/api/profiles');
    expect(await response.json()).toEqual({ data: [] });
    expect(response.route).toBe('oauth');
    expect(bench.sent()).toEqual(['Bearer access-token-of-AAA111']);
    expect(await connection.accessToken()).toBe('access-token-of-AAA111');
  });

  it('is refreshed when Klaviyo refuses its token', async () => {
    await using bench = await open();
    await bench.grant('AAA111');
    await bench.add('acme', { route: 'oauth', accountId: 'AAA111' });
    await bench.clock.advance(120_000);
    bench.server.answerWith((response, request) => {
      const refused = request.headers.authorization === 'Bearer access-token-of-AAA111';
      jsonAnswer(refused ? 401 : 200, { data: [] })(response, request);
    });
    const connection = bench.connect({ customerId: 'acme' });
    expect((await connection.fetch('/api/profiles')).status).toBe(200);
    expect(bench.oauth.spent).toEqual(['refresh-token-of-AAA111']);
    expect(await connection.accessToken()).toBe('access-1');
  });

  it('by its account uses the grant, also where no customer is known', async () => {
    await using bench = await open();
    await bench.grant('AAA111');
    await bench.connect({ accountId: 'AAA111' }).fetch('/api/profiles');
    expect(bench.sent()).toEqual(['Bearer access-token-of-AAA111']);
  });

  it('by its account is on OAuth as soon as one of its customers is', async () => {
    await using bench = await open();
    await bench.grant('AAA111');
    await bench.add('acme', { key, accountId: 'AAA111' });
    await bench.add('beta', { key: 'pk_other0123456789', route: 'oauth', accountId: 'AAA111' });
    await bench.connect({ accountId: 'AAA111' }).fetch('/api/profiles');
    expect(bench.sent()).toEqual(['Bearer access-token-of-AAA111']);
  });

  it('follows a change of its route within a second, and back again', async () => {
    await using bench = await open();
    await bench.grant('AAA111');
    await bench.add('acme', { key, accountId: 'AAA111' });
    const connection = bench.connect({ customerId: 'acme' });
    const send = async () => (await connection.fetch('/api/profiles')).route;
    expect(await send()).toBe('key');
    await bench.setRoute('acme', 'oauth');
    await bench.clock.advance(999);
    expect(await send()).toBe('oauth');
    await bench.setRoute('acme', 'key');
    await bench.clock.advance(999);
    expect(await send()).toBe('key');
  });

  it('is found within a second of being made', async () => {
    await using bench = await open();
    const connection = bench.connect({ customerId: 'acme' });
    await expect(connection.fetch('/api/profiles')).rejects.toMatchObject({
      code: 'connection_not_found',
    });
    await bench.add('acme', { key, accountId: 'AAA111' });
    await bench.clock.advance(999);
    expect((await connection.fetch('/api/profiles')).status).toBe(200);
  });

  it('is not read from the store for every call', async () => {
    await using bench = await open();
    await bench.add('acme', { key, accountId: 'AAA111' });
    const { connections } = bench.store;
    let reads = 0;
    const findByCustomer = connections.findByCustomer.bind(connections);
    Object.assign(connections, {
      findByCustomer: (customerId: string) => {
        reads += 1;
        return findByCustomer(customerId);
      },
    });
    for (let i = 0; i < 20; i += 1)
      await bench.connect({ customerId: 'acme' }).fetch('/api/profiles');
    expect(reads).toBe(1);
  });
});
