import { inspect } from 'node:util';
import {
  AccountsApi,
  ApiKeySession,
  EventEnum,
  EventsApi,
  MetricEnum,
  OAuthApi,
  OAuthSession,
  ProfileEnum,
  ProfilesApi,
  type CreatedTokens,
  type EventCreateQueryV2,
} from 'klaviyo-api';
import { describe, expect, it } from 'vitest';
import { openCallerBench } from '../../test/support/api-caller-fixture.ts';
import { startSdkFlow, loadAxios, type SdkFixture } from '../../test/support/sdk-fixture.ts';
import type { ConnectionHandle } from '../client/connections.ts';
import { createSession } from './create-session.ts';
import { SdkRequestError } from './sdk-request-error.ts';

const axios = loadAxios();

function sessionOf({ keyshift }: SdkFixture) {
  return createSession(keyshift.connection({ customerId: 'acme' }));
}

/** The SDK's users write plain objects where it declares classes. */
function orderPlaced(uniqueId: string): EventCreateQueryV2 {
  const body: unknown = {
    data: {
      type: EventEnum.Event,
      attributes: {
        uniqueId,
        properties: { value: 12 },
        metric: { data: { type: MetricEnum.Metric, attributes: { name: 'Order Placed' } } },
        profile: { data: { type: ProfileEnum.Profile, attributes: { email: 'ada@shop.example' } } },
      },
    },
  };
  return body as EventCreateQueryV2;
}

async function errorOf(call: Promise<unknown>): Promise<SdkRequestError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof SdkRequestError) return error;
  throw new Error(`not an SdkRequestError: ${inspect(error)}`);
}

/** What came of many calls at once: how many failed. */
async function countFailures(calls: readonly Promise<unknown>[]): Promise<number> {
  const settled = await Promise.allSettled(calls);
  return settled.filter(({ status }) => status === 'rejected').length;
}

describe('100 concurrent calls on an expired token', () => {
  it('make one refresh and no failure, in every rotation mode', { timeout: 60_000 }, async () => {
    for (const rotation of ['none', 'rotate', 'rotate_with_reuse_detection'] as const) {
      await using fixture = await startSdkFlow({ sandbox: { rotation } });
      fixture.clock.skip(3_600_000);
      const profiles = new ProfilesApi(sessionOf(fixture));
      const calls = Array.from({ length: 100 }, () => profiles.getProfiles());
      expect(await countFailures(calls)).toBe(0);
      expect(fixture.refreshes()).toBe(1);
    }
  });

  it('make one refresh when only Klaviyo knows that it expired', { timeout: 60_000 }, async () => {
    await using fixture = await startSdkFlow({ sandbox: { rotation: 'rotate' } });
    fixture.sandbox.expireAccessTokens();
    const profiles = new ProfilesApi(sessionOf(fixture));
    const calls = Array.from({ length: 100 }, () => profiles.getProfiles());
    expect(await countFailures(calls)).toBe(0);
    expect(fixture.refreshes()).toBe(1);
  });

  it('are what the SDK alone refreshes for one by one, or fails', { timeout: 60_000 }, async () => {
    for (const rotation of ['none', 'rotate'] as const) {
      await using fixture = await startSdkFlow({ sandbox: { rotation } });
      const { sandbox, secrets } = fixture;
      const { accessToken, refreshToken } = await fixture.grant();
      let tokens: CreatedTokens = {
        accessToken: accessToken.reveal(),
        refreshToken: refreshToken.reveal(),
        expiresAt: new Date(0),
      };
      const oAuthApi = new OAuthApi('flow-app', secrets.clientSecret, {
        retrieve: () => tokens,
        save: (_customer, next) => {
          tokens = next;
        },
      });
      Object.assign(oAuthApi, { tokenUrl: sandbox.tokenUrl });
      const profiles = new ProfilesApi(new OAuthSession('acme', oAuthApi));
      profiles.basePath = sandbox.apiUrl;
      const calls = Array.from({ length: 100 }, () => profiles.getProfiles());
      const failures = await countFailures(calls);
      expect(fixture.refreshes() + failures).toBeGreaterThanOrEqual(99);
      if (rotation === 'rotate') expect(failures).toBe(99);
    }
  });
});

describe('an event', () => {
  it('that was applied behind a 503 is not sent twice', async () => {
    await using fixture = await startSdkFlow();
    fixture.sandbox.addFault({
      kind: 'status',
      status: 503,
      phase: 'after',
      match: { method: 'POST', path: '/api/events*' },
    });
    const events = new EventsApi(sessionOf(fixture));
    const error = await errorOf(events.createEvent(orderPlaced('order-1')));
    expect(error.response?.status).toBe(503);
    expect(fixture.sandbox.statistics().byOperation['create_event']).toEqual({ '503': 1 });
    expect(await fixture.events()).toBe(1);
  });

  it('whose connection breaks is not sent twice', async () => {
    await using fixture = await startSdkFlow();
    fixture.sandbox.addFault({ kind: 'reset_after', match: { path: '/api/events*' }, times: 1 });
    const events = new EventsApi(sessionOf(fixture));
    const error = await errorOf(events.createEvent(orderPlaced('order-1')));
    expect(error).toMatchObject({ code: 'ERR_NETWORK', isAxiosError: true });
    expect(error.response).toBeUndefined();
    expect(error.cause).toMatchObject({ code: 'upstream_unreachable' });
    expect(await fixture.events()).toBe(1);
  });

  it('is what the SDK alone sends three times when it is answered 503', async () => {
    await using fixture = await startSdkFlow();
    const { sandbox } = fixture;
    const key = fixture.seed.accounts[0]!.keys[0]!.key;
    sandbox.addFault({
      kind: 'status',
      status: 503,
      phase: 'after',
      match: { method: 'POST', path: '/api/events*' },
    });
    const events = new EventsApi(new ApiKeySession(key));
    events.basePath = sandbox.apiUrl;
    const body = orderPlaced('');
    delete body.data.attributes.uniqueId;
    await expect(events.createEvent(body)).rejects.toThrow('503');
    expect(sandbox.statistics().byOperation['create_event']).toEqual({ '503': 3 });
  });

  it('is recorded, and its profile with it', async () => {
    await using fixture = await startSdkFlow();
    const session = sessionOf(fixture);
    const { response } = await new EventsApi(session).createEvent(orderPlaced('order-1'));
    expect(response).toMatchObject({ status: 202, statusText: 'Accepted' });
    const { body } = await new ProfilesApi(session).getProfiles({ pageSize: 5 });
    expect(body.data.map(({ attributes }) => attributes.email)).toContain('ada@shop.example');
  });
});

describe('a call that Klaviyo answers 401', () => {
  it('is refreshed once and sent again', async () => {
    await using fixture = await startSdkFlow();
    fixture.sandbox.invalidateAccessTokens();
    const { body } = await new ProfilesApi(sessionOf(fixture)).getProfiles();
    expect(body.data).toEqual(expect.any(Array));
    expect(fixture.refreshes()).toBe(1);
  });

  it('again after a refresh is the answer, and nobody is disconnected', async () => {
    await using fixture = await startSdkFlow();
    fixture.sandbox.addFault({ kind: 'status', status: 401, match: { path: '/api/profiles*' } });
    const error = await errorOf(new ProfilesApi(sessionOf(fixture)).getProfiles());
    expect(error.response?.status).toBe(401);
    expect(fixture.refreshes()).toBe(1);
    expect((await fixture.grant()).state).toBe('active');
  });

  it('because the app was uninstalled says that the grant is lost', async () => {
    await using fixture = await startSdkFlow();
    const { store, clock } = fixture.keyshift;
    const acme = await store.connections.findByCustomer('acme');
    // As long as there is a key, it takes over.
    await store.privateKeys.destroy(acme!.id, clock.now());
    fixture.sandbox.uninstall(fixture.accountId);
    const profiles = new ProfilesApi(sessionOf(fixture));
    await expect(profiles.getProfiles()).rejects.toMatchObject({ code: 'grant_lost' });
  });
});

describe('the error of a refused call', () => {
  it('is what the SDK’s users know of axios, field by field', async () => {
    await using fixture = await startSdkFlow();
    const { key } = fixture.seed.accounts[0]!.keys[0]!;
    const alone = new ProfilesApi(new ApiKeySession(key));
    alone.basePath = fixture.sandbox.apiUrl;
    const theirs: unknown = await alone.getProfile('01UNKNOWN').catch((error: unknown) => error);
    const ours = await errorOf(new ProfilesApi(sessionOf(fixture)).getProfile('01UNKNOWN'));
    for (const error of [theirs, ours]) {
      expect(axios.isAxiosError(error)).toBe(true);
      expect(error).toMatchObject({
        name: 'AxiosError',
        code: 'ERR_BAD_REQUEST',
        message: 'Request failed with status code 404',
        status: 404,
        config: { method: expect.stringMatching(/^get$/i) as string },
        response: {
          status: 404,
          statusText: 'Not Found',
          headers: { 'content-type': expect.stringContaining('json') as string },
          data: { errors: [{ code: 'not_found' }] },
        },
      });
    }
  });

  it('holds no credential, however it is printed', async () => {
    await using fixture = await startSdkFlow();
    const { accessToken, refreshToken } = await fixture.grant();
    const profiles = new ProfilesApi(sessionOf(fixture));
    profiles.defaultHeaders = { Authorization: 'Bearer of-the-caller', 'x-note': 'kept' };
    const error = await errorOf(profiles.getProfile('01UNKNOWN'));
    expect(error.config.headers).toMatchObject({ 'x-note': 'kept' });
    const printed = [
      inspect(error, { depth: 9, showHidden: true }),
      JSON.stringify(error),
      JSON.stringify(error.response),
    ].join('\n');
    expect(printed).toContain('not_found');
    for (const secret of [accessToken.reveal(), refreshToken.reveal(), 'of-the-caller']) {
      expect(printed).not.toContain(secret);
    }
  });

  it.each([
    ['text/html; charset=UTF-8', '<!DOCTYPE html>'],
    ['application/vnd.api+json', '{"data":['],
  ])('is thrown for a good status with a body that is none: %s', async (type, body) => {
    await using bench = await openCallerBench((response) => {
      response.writeHead(200, { 'content-type': type }).end(body);
    });
    const fetch: ConnectionHandle['fetch'] = (target, init) => bench.call(target, init);
    const profiles = new ProfilesApi(createSession({ fetch }));
    profiles.basePath = bench.server.url;
    const error = await errorOf(profiles.getProfiles());
    expect(error).toMatchObject({
      code: 'ERR_BAD_RESPONSE',
      message: 'Klaviyo answered 200 with a body that is not JSON',
      response: { status: 200, data: body },
    });
  });

  it('is a 429 when Klaviyo’s limit is used up for longer than the call may take', async () => {
    await using fixture = await startSdkFlow();
    const connection = fixture.keyshift.connection({ customerId: 'acme' });
    const accounts = new AccountsApi(createSession(connection, { deadlineMs: 300 }));
    await accounts.getAccounts();
    const error = await errorOf(accounts.getAccounts());
    expect(error.response).toMatchObject({
      status: 429,
      headers: { 'retry-after': '2', 'keyshift-error': 'upstream_throttled' },
      data: { errors: [{ code: 'throttled' }] },
    });
  });

  it('of a call that takes too long is ECONNABORTED', async () => {
    await using fixture = await startSdkFlow();
    fixture.sandbox.addFault({ kind: 'delay', delayMs: 5_000, match: { path: '/api/profiles*' } });
    const connection = fixture.keyshift.connection({ customerId: 'acme' });
    const profiles = new ProfilesApi(createSession(connection, { deadlineMs: 200 }));
    const error = await errorOf(profiles.getProfiles());
    expect(error).toMatchObject({ code: 'ECONNABORTED', cause: { code: 'upstream_timeout' } });
  });
});

describe('the host of a call', () => {
  it('is Klaviyo’s, whatever the base path of the SDK', async () => {
    await using fixture = await startSdkFlow();
    const profiles = new ProfilesApi(sessionOf(fixture));
    profiles.basePath = 'https://evil.example';
    await expect(profiles.getProfiles()).rejects.toMatchObject({ code: 'request_invalid' });
    profiles.basePath = fixture.sandbox.apiUrl;
    expect((await profiles.getProfiles()).response.status).toBe(200);
  });
});

describe('the headers of a call', () => {
  it('are those of the installed SDK where one of its sessions is given', async () => {
    const sent: Record<string, string>[] = [];
    const fetch = (_target: string, init: { headers?: Record<string, string> } = {}) => {
      sent.push(init.headers ?? {});
      return Promise.reject(new Error('far enough'));
    };
    const headersFrom = new ApiKeySession('pk_never_sent_0123456789');
    const profiles = new ProfilesApi(createSession({ fetch }, { headersFrom }));
    await expect(profiles.getProfiles()).rejects.toThrow('far enough');
    const plain = new ProfilesApi(createSession({ fetch }));
    await expect(plain.getProfiles()).rejects.toThrow('far enough');
    expect(sent[0]).toMatchObject({
      revision: '2026-07-15',
      'user-agent': 'klaviyo-api-node/23.0.0',
    });
    expect(JSON.stringify(sent)).not.toContain('pk_never');
    expect(sent[1]).toEqual({ accept: 'application/vnd.api+json' });
  });
});
