import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { Fault } from '../../src/sandbox.ts';
import { errorOf, post, send, tokensOf } from '../support/answer.ts';
import { obtainForeignTokens } from '../support/foreign-tokens.ts';
import { startFlow, type FlowFixture } from '../support/flow-fixture.ts';
import { accountOf, connectionOf, migrateToLive } from '../support/migration-steps.ts';

const match = { path: '/oauth/token' };

function refresh({ url }: FlowFixture, refreshToken: string) {
  return post(`${url}/auth/refresh`, { refresh_token: refreshToken });
}

async function grantOf({ keyshift }: FlowFixture, accountId: string) {
  const grant = await keyshift.store.grants.find({ clientId: 'flow-app', accountId });
  if (!grant) throw new Error('there is no grant');
  return grant;
}

/** A stored grant of the first account; answers its refresh token. */
async function storeGrant(fixture: FlowFixture): Promise<string> {
  const account = accountOf(fixture, 0);
  const answer = await fixture.newBrowser().signIn(`${fixture.url}/auth/start`, { account });
  return tokensOf(answer).refresh_token;
}

const jsonType = { 'content-type': 'application/json' };

describe('POST /auth/refresh with a body that is not right', () => {
  it.each<[string, RequestInit, RegExp]>([
    ['no body and no type', {}, /application\/json/],
    ['no body', { headers: jsonType }, /body/],
    ['an empty body', { headers: jsonType, body: '' }, /body/],
    ['a form', { body: new URLSearchParams({ refresh_token: 'some-token' }) }, /application\/json/],
    [
      'JSON sent as text',
      { headers: { 'content-type': 'text/plain' }, body: '{"refresh_token": "some-token"}' },
      /application\/json/,
    ],
    ['malformed JSON', { headers: jsonType, body: '{"refresh_token": "some-token"' }, /JSON/],
    ['a JSON text', { headers: jsonType, body: '"some-token"' }, /body/],
    ['null', { headers: jsonType, body: 'null' }, /body/],
    ['a list', { headers: jsonType, body: '["some-token"]' }, /body/],
    ['no field', { headers: jsonType, body: '{"refreshToken": "some-token"}' }, /refresh_token/],
    ['a number', { headers: jsonType, body: '{"refresh_token": 5}' }, /refresh_token/],
    ['a null token', { headers: jsonType, body: '{"refresh_token": null}' }, /refresh_token/],
    ['an empty token', { headers: jsonType, body: '{"refresh_token": ""}' }, /refresh_token/],
    ['a blank token', { headers: jsonType, body: '{"refresh_token": "  "}' }, /refresh_token/],
    [
      'a body past 64 KiB',
      { headers: jsonType, body: JSON.stringify({ refresh_token: 'x'.repeat(70_000) }) },
      /64 KiB/,
    ],
    [
      'a body past 64 KiB that does not say its length',
      { headers: jsonType, body: endless(70_000), duplex: 'half' },
      /64 KiB/,
    ],
  ])('refuses %s with a clear 400, and asks Klaviyo nothing', async (_name, init, text) => {
    await using fixture = await startFlow();
    const answer = await send(`${fixture.url}/auth/refresh`, { method: 'POST', ...init });
    expect(answer.status).toBe(400);
    const { error, error_description: description } = errorOf(answer);
    expect(error).toBe('request_invalid');
    expect(description).toMatch(text);
    expect(answer.body).not.toContain('some-token');
    expect(fixture.calls).toEqual([]);
  });

  it('has no other method', async () => {
    await using fixture = await startFlow();
    const answer = await send(`${fixture.url}/auth/refresh?refresh_token=some-token`);
    expect(answer.status).toBe(404);
    expect(answer.body).not.toContain('some-token');
  });
});

/** A body in chunks, of `size` bytes. */
function endless(size: number): ReadableStream<Uint8Array> {
  let left = size;
  return new ReadableStream({
    pull(controller) {
      controller.enqueue(new Uint8Array(Math.min(left, 10_000)).fill(0x78));
      left -= 10_000;
      if (left <= 0) controller.close();
    },
  });
}

describe('POST /auth/refresh when Klaviyo gives no tokens', () => {
  it('answers 400 to a token that Klaviyo does not know', async () => {
    await using fixture = await startFlow();
    const answer = await refresh(fixture, 'never-given-out');
    expect(answer.status).toBe(400);
    expect(errorOf(answer).error).toBe('refresh_token_rejected');
    expect(answer.body).not.toContain('never-given-out');
  });

  it('answers 400 after an uninstall, and the customer waits for a person', async () => {
    await using fixture = await startFlow();
    await migrateToLive(fixture, 'acme', 0);
    const grant = await grantOf(fixture, accountOf(fixture, 0));
    fixture.sandbox.uninstall(accountOf(fixture, 0));
    const answer = await refresh(fixture, grant.refreshToken.reveal());
    expect(answer.status).toBe(400);
    expect(errorOf(answer).error).toBe('refresh_token_rejected');
    expect((await grantOf(fixture, accountOf(fixture, 0))).state).toBe('lost');
    expect(await connectionOf(fixture, 'acme')).toMatchObject({
      stage: 'attention',
      attentionReason: 'grant_lost',
    });
  });

  const invalidClient = { error: 'invalid_client' };
  const transient: readonly (readonly [string, Fault, number, string])[] = [
    [
      'a 503',
      { kind: 'status', status: 503, headers: { 'retry-after': '5' }, match },
      503,
      'upstream_unavailable',
    ],
    [
      'a 429',
      { kind: 'status', status: 429, headers: { 'retry-after': '5' }, match },
      429,
      'upstream_throttled',
    ],
    ['a 500', { kind: 'status', status: 500, match }, 502, 'upstream_unreadable'],
    ['a page of the edge with 403', { kind: 'html', match }, 502, 'upstream_unreadable'],
    ['a page with 200', { kind: 'html', status: 200, match }, 502, 'upstream_unreadable'],
    ['an empty 200', { kind: 'empty', match }, 502, 'upstream_unreadable'],
    ['a connection that breaks', { kind: 'reset_before', match }, 502, 'upstream_unreachable'],
    ['no answer', { kind: 'delay', delayMs: 60_000, match }, 504, 'upstream_timeout'],
    [
      'refused client credentials',
      { kind: 'status', status: 401, body: invalidClient, match },
      502,
      'client_rejected',
    ],
  ];

  it.each(transient)(
    'answers %s as such and keeps the grant',
    async (_name, fault, status, code) => {
      await using fixture = await startFlow({ deadlineMs: 300 });
      const refreshToken = await storeGrant(fixture);
      fixture.sandbox.addFault(fault);
      const answer = await refresh(fixture, refreshToken);
      expect(answer.status).toBe(status);
      expect(errorOf(answer).error).toBe(code);
      if (status === 503 || status === 429) {
        // As long as Klaviyo asked for, and a little more at random.
        expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(5);
      }
      expect(answer.body).not.toContain(refreshToken);
      expect((await grantOf(fixture, accountOf(fixture, 0))).state).toBe('active');
      fixture.sandbox.clearFaults();
      const again = await refresh(fixture, refreshToken);
      // After silence the provider may still be at work on the token: nobody spends it meanwhile.
      if (code === 'upstream_timeout') expect(errorOf(again).error).toBe(code);
      else tokensOf(again);
    },
  );
});

/** Sends a refresh and hangs up before its answer comes. */
async function sendAndLeave({ port }: FlowFixture, refreshToken: string, afterMs: number) {
  const body = JSON.stringify({ refresh_token: refreshToken });
  const socket = connect(port, 'localhost');
  socket.write(
    `POST /auth/refresh HTTP/1.1\r\nHost: localhost:${port}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  expect(socket.bytesRead).toBe(0);
  socket.destroy();
}

describe.each(['none', 'rotate'] as const)('POST /auth/refresh, refresh tokens: %s', (rotation) => {
  it('spends a stored token once for 20 callers at once, and the store keeps the pair', async () => {
    await using fixture = await startFlow({ sandbox: { rotation } });
    const refreshToken = await storeGrant(fixture);
    fixture.sandbox.addFault({ kind: 'delay', delayMs: 150, match });
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => refresh(fixture, refreshToken)),
    );
    const pairs = new Set(answers.map((answer) => JSON.stringify(tokensOf(answer))));
    expect(pairs.size).toBe(1);
    expect(fixture.sandbox.statistics().refreshes).toBe(1);
    const grant = await grantOf(fixture, accountOf(fixture, 0));
    const answered = tokensOf(answers[0]!);
    expect(grant.accessToken.reveal()).toBe(answered.access_token);
    expect(grant.refreshToken.reveal()).toBe(answered.refresh_token);
    expect(answered.refresh_token === refreshToken).toBe(rotation === 'none');
  });

  it('spends a token that is not stored once for 20 callers at once, and stores nothing', async () => {
    await using fixture = await startFlow({ sandbox: { rotation } });
    const foreign = await obtainForeignTokens(fixture, accountOf(fixture, 1));
    fixture.sandbox.addFault({ kind: 'delay', delayMs: 150, match });
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => refresh(fixture, foreign.refresh_token)),
    );
    expect(new Set(answers.map((answer) => tokensOf(answer).access_token)).size).toBe(1);
    expect(fixture.sandbox.statistics().refreshes).toBe(1);
    const key = { clientId: 'flow-app', accountId: accountOf(fixture, 1) };
    expect(await fixture.keyshift.store.grants.find(key)).toBeUndefined();
  });

  it('finishes the refresh of a caller that goes away, and saves what it gave', async () => {
    await using fixture = await startFlow({ sandbox: { rotation } });
    const refreshToken = await storeGrant(fixture);
    fixture.sandbox.addFault({ kind: 'delay', delayMs: 200, match });
    await sendAndLeave(fixture, refreshToken, 80);
    await fixture.keyshift.tokens.drain();
    expect(fixture.sandbox.statistics().refreshes).toBe(1);
    expect((await grantOf(fixture, accountOf(fixture, 0))).generation).toBe(2);
    fixture.sandbox.clearFaults();
    tokensOf(await refresh(fixture, refreshToken));
  });
});
