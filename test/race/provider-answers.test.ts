import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FaultKind } from '../../src/sandbox.ts';
import type { Grant } from '../../src/model/grant.ts';
import { eachDatabase } from '../support/each-database.ts';
import { createGate, type Gate } from '../support/engine-process-gate.ts';
import { openEngineParts, type EngineParts } from '../support/engine-process-parts.ts';
import { openEngineRig, type EngineRig } from '../support/engine-process-rig.ts';
import { createShiftedClock, type ShiftedClock } from '../support/shifted-clock.ts';

const token = { method: 'POST', path: '/oauth/token' };
const hourMs = 3_600_000;

/** 200s that are no token answer, and answers that break off. */
const uselessAnswers: readonly (readonly [string, FaultKind])[] = [
  ['an empty 200', { kind: 'empty' }],
  ['a 200 that is no JSON', { kind: 'status', status: 200, body: 'ok' }],
  ['a 200 of HTML', { kind: 'html', status: 200 }],
  ['a 200 with null', { kind: 'status', status: 200, body: null }],
  ['a 200 with a list', { kind: 'status', status: 200, body: [] }],
  ['a 200 without an access token', { kind: 'token_reply', omit: ['access_token'] }],
  ['an empty access token', { kind: 'token_reply', body: { access_token: '' } }],
  ['an access token that is no text', { kind: 'token_reply', body: { access_token: 5 } }],
  ['a refresh token that is no text', { kind: 'token_reply', body: { refresh_token: {} } }],
  ['an empty refresh token', { kind: 'token_reply', body: { refresh_token: '' } }],
  ['a token of another type', { kind: 'token_reply', body: { token_type: 'mac' } }],
  ['an error behind a 200', { kind: 'status', status: 200, body: { error: 'invalid_grant' } }],
  ['an incomplete answer', { kind: 'truncated' }],
  ['a broken connection', { kind: 'reset_after' }],
];

describe.each(eachDatabase)('what the provider answers, on $database', ({ create }) => {
  let rig: EngineRig;
  let parts: EngineParts;
  let clock: ShiftedClock;
  let gate: Gate;
  beforeAll(async () => {
    clock = createShiftedClock();
    gate = createGate();
    // Without rotation the stored token goes on working, whatever became of an answer.
    const sandbox = { rotation: 'none', clock: gate.clock } as const;
    rig = await openEngineRig({ createDatabase: create, sandbox, accounts: 30 });
    parts = await openEngineParts(rig.setup, { clock });
  });
  afterAll(async () => {
    await parts[Symbol.asyncDispose]();
    await rig[Symbol.asyncDispose]();
  });

  /** A grant long enough in use that a 401 is believed. */
  const consent = () => rig.consent({ obtainedAtMs: clock.now() - hourMs / 2 });
  const expired = () => rig.consent({ expiresAtMs: clock.now() - 1 });
  const refresh = ({ clientId, accountId, generation }: Grant) =>
    parts.engine.afterUnauthorized({ clientId, accountId }, generation);
  const pairOf = async (grant: Grant) => {
    const row = await rig.row(grant);
    const columns = ['access_token', 'refresh_token', 'refresh_index', 'generation', 'state'];
    const more = ['previous_refresh_token', 'scope', 'expires_at', 'obtained_at', 'consented_at'];
    return [...columns, ...more].map((column) => row[column]);
  };

  it.each(uselessAnswers)('%s never touches the stored pair', async (_name, fault) => {
    const grant = await consent();
    const before = await pairOf(grant);
    rig.sandbox.addFault({ ...fault, match: token, times: 1 });
    await expect(refresh(grant)).rejects.toMatchObject({
      code: expect.stringMatching(/^upstream_(unreadable|unreachable)$/),
    });
    expect(await pairOf(grant)).toEqual(before);
    clock.skip(2_000);
    expect(await refresh(grant)).toMatchObject({ generation: 2 });
  });

  it('keeps the refresh token through three answers that leave it out', async () => {
    const grant = await expired();
    const fault = { kind: 'token_reply', omit: ['refresh_token'] } as const;
    rig.sandbox.addFault({ ...fault, match: token, times: 3 });
    for (const generation of [2, 3, 4, 5]) {
      expect(await parts.engine.liveGrant(grant)).toMatchObject({ generation });
      clock.skip(2 * hourMs);
    }
    expect((await rig.stored(grant)).refreshToken.equals(grant.refreshToken)).toBe(true);
  });

  it('serves a token without a known end until Klaviyo refuses it', async () => {
    const grant = await expired();
    const fault = { kind: 'token_reply', omit: ['expires_in'] } as const;
    rig.sandbox.addFault({ ...fault, match: token, times: 1 });
    const endless = await parts.engine.liveGrant(grant);
    expect(endless).toMatchObject({ generation: 2, expiresAtMs: undefined });
    clock.skip(24 * hourMs);
    expect(await parts.engine.liveGrant(grant)).toMatchObject({ generation: 2 });
    expect(await refresh(endless)).toMatchObject({
      generation: 3,
      expiresAtMs: expect.any(Number),
    });
  });

  it.each([0.0004, 3_600.1234, 1e15])(
    'saves a pair whose lifetime is no number of milliseconds that a database holds: %d s',
    async (expires_in) => {
      const grant = await expired();
      rig.sandbox.addFault({ match: token, kind: 'token_reply', body: { expires_in }, times: 1 });
      expect(await parts.engine.liveGrant(grant)).toMatchObject({ generation: 2 });
      const { expiresAtMs, accessToken } = await rig.stored(grant);
      expect(Number.isSafeInteger(expiresAtMs)).toBe(true);
      expect(accessToken.equals(grant.accessToken)).toBe(false);
    },
  );

  it('goes on with a refresh whose only caller went away', async () => {
    const grant = await expired();
    rig.sandbox.addFault({ match: token, kind: 'delay', delayMs: 0, times: 1 });
    const caller = new AbortController();
    const answer = parts.engine.liveGrant(grant, caller.signal);
    const request = await gate.next();
    caller.abort(new Error('the caller disconnected'));
    await expect(answer).rejects.toThrow('the caller disconnected');
    expect(await rig.stored(grant)).toMatchObject({ generation: 1 });
    request.pass();
    await parts.engine.drain();
    expect(await rig.stored(grant)).toMatchObject({ generation: 2 });
  });
});
