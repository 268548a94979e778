import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/runtime/clock.ts';
import type { RotationMode } from '../../src/sandbox.ts';
import type { Grant } from '../../src/model/grant.ts';
import type { RefreshStep } from '../../src/tokens/refresh-attempt.ts';
import { eachDatabase } from '../support/each-database.ts';
import { createGate } from '../support/engine-process-gate.ts';
import { barrier } from '../support/engine-process-messages.ts';
import {
  openEngineRig,
  testBudgets,
  type EngineRig,
  type EngineRigOptions,
} from '../support/engine-process-rig.ts';
import { runTogether, startEngineProcess, type EngineProcess } from '../support/engine-process.ts';

/** No lease is left when so much time has passed. */
const { httpMs, leaseMs } = testBudgets;
const afterLeaseMs = 2 * leaseMs;
const token = { method: 'POST', path: '/oauth/token' };
const pollFor = { timeout: 120_000 };
const ok = { statuses: { 200: 1 }, errors: {} };

const call = (engine: EngineProcess, { accountId }: Grant) =>
  engine.run({ do: 'call', accountId, callers: 1, path: '/api/profiles' });

let late: EngineProcess;
let other: EngineProcess;
beforeAll(async () => {
  [late, other] = await Promise.all([startEngineProcess(), startEngineProcess()]);
});
afterAll(() => Promise.all([late, other].map((each) => each[Symbol.asyncDispose]())));

/** A rig with an expired grant, on which both processes have opened their engines. */
async function openBoth(options: EngineRigOptions) {
  const rig = await openEngineRig(options);
  await runTogether([late, other], { do: 'open', setup: rig.setup });
  return {
    rig,
    grant: await rig.consent(expired()),
    [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
  };
}

/** `late` holds the lease and stands still at a step of its refresh, until its lease is over. */
async function stopAt(grant: Grant, step: RefreshStep) {
  await late.run({ do: 'signal', step, signal: 'SIGSTOP', stoodStillMs: afterLeaseMs });
  const answer = call(late, grant);
  await late.trapped();
  await other.run({ do: 'skip', ms: afterLeaseMs });
  const wake = () => late.signal('SIGCONT');
  return { answer, wake, [Symbol.dispose]: wake };
}

/** The late holder's save was refused, and its refresh token left beside the pair. */
async function untilKept(rig: EngineRig, grant: Grant) {
  await expect
    .poll(async () => (await rig.stored(grant)).previousRefreshToken !== undefined, pollFor)
    .toBe(true);
  expect(await rig.stored(grant)).toMatchObject({ state: 'active', generation: 1 });
  expect((await rig.stored(grant)).refreshToken.equals(grant.refreshToken)).toBe(true);
}

const expired = () => ({ expiresAtMs: systemClock.now() - 1 });
const refreshes = (rig: EngineRig) => rig.sandbox.statistics().byOperation['oauth_refresh'];

describe.each(eachDatabase)('a holder that comes back too late, on $database', (db) => {
  const open = (rotation: RotationMode, clock = systemClock) =>
    openBoth({ createDatabase: db.create, sandbox: { rotation, clock } });

  it.each<RotationMode>(['none', 'rotate_with_grace'])(
    'finds its save refused by the fence and takes the other’s pair: %s',
    async (rotation) => {
      await using bench = await open(rotation);
      const { rig, grant } = bench;
      using stopped = await stopAt(grant, 'before_save');
      expect(await call(other, grant)).toMatchObject(ok);
      const row = await rig.row(grant);
      stopped.wake();
      expect(await stopped.answer).toMatchObject({ ...ok, generations: [2] });
      expect(await rig.row(grant)).toEqual(row);
      expect(refreshes(rig)).toEqual({ 200: 2 });
    },
  );

  it('brings the grant back that another process had to call lost, under strict rotation', async () => {
    await using bench = await open('rotate');
    const { rig, grant } = bench;
    using stopped = await stopAt(grant, 'reply_received');
    expect((await call(other, grant)).errors).toEqual({ grant_lost: 1 });
    expect(await rig.stored(grant)).toMatchObject({ state: 'lost', generation: 1 });
    stopped.wake();
    expect(await stopped.answer).toMatchObject(ok);
    expect(await rig.stored(grant)).toMatchObject({ state: 'active', generation: 2 });
    await other.run({ do: 'skip', ms: 3_600_000 });
    expect(await call(other, grant)).toMatchObject(ok);
  });

  it('leaves its refresh token to a holder that is refused meanwhile, under strict rotation', async () => {
    const gate = createGate();
    await using bench = await open('rotate', gate.clock);
    const { rig, grant } = bench;
    using stopped = await stopAt(grant, 'before_save');
    rig.sandbox.addFault({ match: token, kind: 'delay', delayMs: 0, times: 1 });
    const answer = call(other, grant);
    const onTheWire = await gate.next();
    stopped.wake();
    await untilKept(rig, grant);
    onTheWire.pass();
    expect(await answer).toMatchObject(ok);
    expect(await stopped.answer).toMatchObject({ ...ok, generations: [2] });
    // The late one's, the other's with the dead token, and its recovery with the kept one.
    expect(refreshes(rig)).toEqual({ 200: 2, 400: 1 });
  });

  it('spends nothing when its lease ended before it sent: reuse would end the grant', async () => {
    await using bench = await open('rotate_with_reuse_detection');
    const { rig, grant } = bench;
    using stopped = await stopAt(grant, 'request_sent');
    expect(await call(other, grant)).toMatchObject(ok);
    stopped.wake();
    expect(await stopped.answer).toMatchObject({ ...ok, generations: [2] });
    expect(refreshes(rig)).toEqual({ 200: 1 });
    await other.run({ do: 'skip', ms: 3_600_000 });
    expect(await call(other, grant)).toMatchObject(ok);
  });

  it('cannot be made good under reuse detection: the second use ended the family', async () => {
    await using bench = await open('rotate_with_reuse_detection');
    const { rig, grant } = bench;
    using stopped = await stopAt(grant, 'before_save');
    expect((await call(other, grant)).errors).toEqual({ grant_lost: 1 });
    stopped.wake();
    await stopped.answer;
    await other.run({ do: 'skip', ms: 3_600_000 });
    expect((await call(other, grant)).errors).toEqual({ grant_lost: 1 });
    expect(await rig.stored(grant)).toMatchObject({ state: 'lost' });
  });
});

describe.each(eachDatabase)('a provider slower than its budget, on $database', (db) => {
  it('is asked once, and its late answer is saved: reuse would end the grant', async () => {
    const gate = createGate();
    const sandbox = { rotation: 'rotate_with_reuse_detection', clock: gate.clock } as const;
    await using bench = await openBoth({ createDatabase: db.create, sandbox });
    const { rig, grant } = bench;
    rig.sandbox.addFault({ match: token, kind: 'delay', delayMs: 0, times: 1, phase: 'after' });
    const first = call(late, grant);
    const slow = await gate.next();
    const second = call(other, grant);
    await other.run(barrier);
    await late.run({ do: 'skip', ms: httpMs });
    for (const answer of [first, second]) {
      expect(await answer).toMatchObject({ errors: { upstream_timeout: 1 } });
    }
    // Nobody tries again while the provider may still be at work on the token.
    expect((await call(other, grant)).errors).toEqual({ upstream_timeout: 1 });
    slow.pass();
    await expect.poll(async () => (await rig.stored(grant)).generation, pollFor).toBe(2);
    for (const each of [late, other]) {
      expect(await call(each, grant)).toMatchObject({ ...ok, generations: [2] });
    }
    expect(refreshes(rig)).toEqual({ 200: 1 });
    expect(await rig.stored(grant)).toMatchObject({ failure: undefined });
  });

  it('slower than the lease too: the late save is refused, its token saves the next holder', async () => {
    const gate = createGate();
    const sandbox = { rotation: 'rotate', clock: gate.clock } as const;
    await using bench = await openBoth({ createDatabase: db.create, sandbox });
    const { rig, grant } = bench;
    const fault = { match: token, kind: 'delay', delayMs: 0, times: 1 } as const;
    rig.sandbox.addFault({ ...fault, phase: 'after' });
    rig.sandbox.addFault({ ...fault, phase: 'before' });
    const timedOut = call(late, grant);
    const first = await gate.next();
    await late.run({ do: 'skip', ms: httpMs });
    expect((await timedOut).errors).toEqual({ upstream_timeout: 1 });
    await other.run({ do: 'skip', ms: httpMs + afterLeaseMs });
    const answer = call(other, grant);
    const second = await gate.next();
    first.pass();
    await untilKept(rig, grant);
    second.pass();
    expect(await answer).toMatchObject({ ...ok, generations: [2] });
    expect(refreshes(rig)).toEqual({ 200: 2, 400: 1 });
  });
});
