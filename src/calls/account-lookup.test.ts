import { afterAll, describe, expect, it } from 'vitest';
import {
  htmlAnswer,
  jsonAnswer,
  startLoopbackServer,
  type Answer,
} from '../../test/support/loopback-server.ts';
import { createManualClock } from '../runtime/clock.ts';
import { createHttpClient } from '../runtime/http-client.ts';
import { systemRandom } from '../runtime/random.ts';
import { Secret } from '../runtime/secret.ts';
import { createAccountLookup, type AccountLookupOptions } from './account-lookup.ts';

const http = createHttpClient();
afterAll(() => http.close());

const key = new Secret('private_key', 'pk_0123456789abcdef');
const found = jsonAnswer(200, { data: [{ id: 'AbC123', attributes: {} }] });
const error = (status: number, code: string, detail = '') =>
  jsonAnswer(status, { errors: [{ code, detail }] });
const throttled = (seconds: string) =>
  jsonAnswer(429, { errors: [{ code: 'throttled' }] }, { 'retry-after': seconds });

/** A server that answers one call after the other; the last answer stays. */
async function open(answers: readonly Answer[], options: Partial<AccountLookupOptions> = {}) {
  const clock = createManualClock();
  const startMs = clock.now();
  const waiting = [...answers];
  const server = await startLoopbackServer((response, request) => {
    const answer = waiting.length > 1 ? waiting.shift() : waiting[0];
    answer?.(response, request);
  });
  const lookUp = createAccountLookup({
    ...{ http, clock, apiUrl: server.url, revision: '2026-07-15' },
    // Pauses as they are without chance.
    random: { ...systemRandom, fraction: () => 0 },
    ...options,
  });
  /** Runs a lookup to its end, letting time pass, and tells what came of it and when. */
  const run = async (credential: Parameters<typeof lookUp>[0] = key) => {
    const settled = lookUp(credential).catch((failure: unknown) => failure);
    const state = { done: false };
    void settled.then(() => (state.done = true));
    for (let step = 0; !state.done && step < 2_000; step += 1) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (step % 10 === 9) await clock.advance(500);
    }
    const outcome = await settled;
    return { outcome, tookSec: (clock.now() - startMs) / 1000 };
  };
  const { received } = server;
  return { run, lookUp, clock, received, [Symbol.asyncDispose]: server[Symbol.asyncDispose] };
}

describe('the lookup of an account', () => {
  it.each<[string, Answer]>([
    ['an unknown key', error(401, 'not_authenticated')],
    ['a dead token', error(401, 'authentication_failed')],
    ['a key refused with 400, as the docs say', error(400, 'authentication_failed')],
  ])('is rejected at once for %s', async (_name, answer) => {
    await using bench = await open([answer]);
    expect((await bench.run()).outcome).toEqual({ kind: 'rejected' });
    expect(bench.received).toHaveLength(1);
  });

  it('is forbidden at once for a scope that lacks, and names it', async () => {
    const detail = 'Your key is missing required scopes: accounts:read';
    await using bench = await open([error(403, 'permission_denied', detail)]);
    expect((await bench.run()).outcome).toEqual({
      kind: 'forbidden',
      missingScopes: ['accounts:read'],
    });
    expect(bench.received).toHaveLength(1);
  });

  it.each<[string, Answer]>([
    ['an HTML 403 of the edge', htmlAnswer(403, { 'cf-mitigated': 'challenge' })],
    ['an HTML 401 of something in between', htmlAnswer(401)],
    ['an HTML 400 of the edge', htmlAnswer(400)],
    ['an outage', htmlAnswer(503)],
    ['a failure', error(500, 'error')],
    ['a broken connection', (response) => response.destroy()],
    ['a connection that breaks off', (response) => response.writeHead(200).write('{"data"')],
    ['silence', () => undefined],
  ])('is tried again after %s', async (_name, answer) => {
    await using bench = await open([answer, found], { deadlineMs: 400 });
    expect((await bench.run()).outcome).toMatchObject({ kind: 'found' });
    expect(bench.received).toHaveLength(2);
  });

  it('waits for as long as Klaviyo says, neither shorter nor much longer', async () => {
    await using bench = await open([throttled('30'), throttled('7'), found]);
    const { outcome, tookSec } = await bench.run();
    expect(outcome).toMatchObject({ kind: 'found' });
    expect(tookSec).toBeGreaterThanOrEqual(37);
    expect(tookSec).toBeLessThanOrEqual(39);
  });

  it('asks nothing before its pause is over', async () => {
    await using bench = await open([throttled('30'), found]);
    const lookup = bench.lookUp(key);
    await expect.poll(() => bench.received.length).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 30));
    await bench.clock.advance(29_999);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(bench.received).toHaveLength(1);
    await bench.clock.advance(1);
    await expect(lookup).resolves.toMatchObject({ kind: 'found' });
  });

  it('gives up at once when the pause is longer than it may wait', async () => {
    await using bench = await open([throttled('61'), found]);
    const { outcome, tookSec } = await bench.run();
    expect(outcome).toMatchObject({ code: 'upstream_throttled', retryAfterSec: 61 });
    expect(bench.received).toHaveLength(1);
    expect(tookSec).toBeLessThan(1);
  });

  it('gives up after its attempts, each pause longer than the one before', async () => {
    await using bench = await open([htmlAnswer(503)], { attempts: 4 });
    const { outcome, tookSec } = await bench.run();
    expect(outcome).toMatchObject({ code: 'upstream_unavailable' });
    expect(bench.received).toHaveLength(4);
    expect(tookSec).toBeGreaterThanOrEqual(1 + 2 + 4);
    expect(tookSec).toBeLessThanOrEqual(9);
  });

  it.each<[string, Answer]>([
    ['no account', jsonAnswer(200, { data: [] })],
    ['HTML', htmlAnswer(200)],
    ['not found', error(404, 'not_found')],
  ])(
    'gives up at once on an answer that another attempt will not change: %s',
    async (_n, answer) => {
      await using bench = await open([answer, found]);
      expect((await bench.run()).outcome).toMatchObject({ code: 'upstream_unreadable' });
      expect(bench.received).toHaveLength(1);
    },
  );

  it('ends with the caller’s reason, also in the middle of a pause', async () => {
    await using bench = await open([throttled('30'), found]);
    const abort = new AbortController();
    const lookup = bench.lookUp(key, abort.signal);
    await expect.poll(() => bench.received.length).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 30));
    const reason = new Error('the person left');
    abort.abort(reason);
    await expect(lookup).rejects.toBe(reason);
  });

  it.each([
    [key, 'Klaviyo-API-Key pk_0123456789abcdef'],
    [new Secret('access_token', 'token-1'), 'Bearer token-1'],
  ])(
    'sends a credential of either kind in its own scheme, with a revision',
    async (secret, sent) => {
      await using bench = await open([found]);
      expect((await bench.run(secret)).outcome).toEqual({
        kind: 'found',
        account: { accountId: 'AbC123', name: undefined, testAccount: false },
      });
      expect(bench.received).toMatchObject([
        {
          method: 'GET',
          path: '/api/accounts',
          headers: {
            authorization: sent,
            revision: '2026-07-15',
            accept: 'application/vnd.api+json',
          },
        },
      ]);
    },
  );

  it('says what Klaviyo answered without showing the credential', async () => {
    await using bench = await open([error(418, 'pk_0123456789abcdef')]);
    const { outcome } = await bench.run();
    expect((outcome as Error).message).toContain('418');
    expect(JSON.stringify(outcome) + String(outcome)).not.toContain('0123456789');
  });
});
