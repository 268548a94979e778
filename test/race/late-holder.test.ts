import { describe, it, type ExpectStatic } from 'vitest';
import { systemClock } from '../../src/runtime/clock.ts';
import type { RotationMode } from '../../src/sandbox.ts';
import type { Grant } from '../../src/store/records.ts';
import type { RefreshStep } from '../../src/tokens/refresh-steps.ts';
import { eachDatabase } from '../support/each-database.ts';
import { createGate } from '../support/engine-process-gate.ts';
import { openEngineRig, type EngineRig } from '../support/engine-process-rig.ts';
import { startEngineProcess, type EngineProcess } from '../support/engine-process.ts';

const budgets = { httpMs: 800, leaseMs: 1_000, waitMs: 15_000 };
const token = { method: 'POST', path: '/oauth/token' };
const pollFor = { timeout: 10_000 };
const ok = { statuses: { 200: 1 }, errors: {} };

const call = (engine: EngineProcess, { accountId }: Grant) =>
  engine.run({ do: 'call', accountId, callers: 1, path: '/api/profiles' });

/** A process that holds the lease and stands still at a step of its refresh. */
async function stopAt(rig: EngineRig, grant: Grant, step: RefreshStep) {
  const engine = await startEngineProcess(rig.setup);
  await engine.run({ do: 'signal', step, signal: 'SIGSTOP' });
  const answer = call(engine, grant);
  await engine.trapped();
  return { engine, answer, wake: () => engine.signal('SIGCONT') };
}

/** The late holder's save was refused, and its refresh token left beside the pair. */
async function untilKept(rig: EngineRig, grant: Grant, expect: ExpectStatic) {
  await expect
    .poll(async () => (await rig.stored(grant)).previousRefreshToken !== undefined, pollFor)
    .toBe(true);
  expect(await rig.stored(grant)).toMatchObject({ state: 'active', generation: 1 });
  expect((await rig.stored(grant)).refreshToken.equals(grant.refreshToken)).toBe(true);
}

const expired = () => ({ expiresAtMs: systemClock.now() - 1 });
const refreshes = (rig: EngineRig) => rig.sandbox.statistics().byOperation['oauth_refresh'];

describe.concurrent.each(eachDatabase)('a holder that comes back too late, on $database', (db) => {
  const open = (rotation: RotationMode, clock = systemClock) =>
    openEngineRig({ createDatabase: db.create, sandbox: { rotation, clock }, budgets });

  it.for<RotationMode>(['none', 'rotate_with_grace'])(
    'finds its save refused by the fence and takes the other’s pair: %s',
    async (rotation, { expect }) => {
      await using rig = await open(rotation);
      const grant = await rig.consent(expired());
      await using other = await startEngineProcess(rig.setup);
      const late = await stopAt(rig, grant, 'before_save');
      await using _late = late.engine;
      expect(await call(other, grant)).toMatchObject(ok);
      const row = await rig.row(grant);
      late.wake();
      expect(await late.answer).toMatchObject({ ...ok, generations: [2] });
      expect(await rig.row(grant)).toEqual(row);
      expect(refreshes(rig)).toEqual({ 200: 2 });
    },
  );

  it('brings the grant back that another process had to call lost, under strict rotation', async ({
    expect,
  }) => {
    await using rig = await open('rotate');
    const grant = await rig.consent(expired());
    await using other = await startEngineProcess(rig.setup);
    const late = await stopAt(rig, grant, 'reply_received');
    await using _late = late.engine;
    expect((await call(other, grant)).errors).toEqual({ grant_lost: 1 });
    expect(await rig.stored(grant)).toMatchObject({ state: 'lost', generation: 1 });
    late.wake();
    expect(await late.answer).toMatchObject(ok);
    expect(await rig.stored(grant)).toMatchObject({ state: 'active', generation: 2 });
    await other.run({ do: 'skip', ms: 3_600_000 });
    expect(await call(other, grant)).toMatchObject(ok);
  });

  it('leaves its refresh token to a holder that is refused meanwhile, under strict rotation', async ({
    expect,
  }) => {
    const gate = createGate();
    await using rig = await open('rotate', gate.clock);
    const grant = await rig.consent(expired());
    await using other = await startEngineProcess(rig.setup);
    const late = await stopAt(rig, grant, 'before_save');
    await using _late = late.engine;
    rig.sandbox.addFault({ match: token, kind: 'delay', delayMs: 0, times: 1 });
    const answer = call(other, grant);
    const onTheWire = await gate.next();
    late.wake();
    await untilKept(rig, grant, expect);
    onTheWire.pass();
    expect(await answer).toMatchObject(ok);
    expect(await late.answer).toMatchObject({ ...ok, generations: [2] });
    // The late one's, the other's with the dead token, and its recovery with the kept one.
    expect(refreshes(rig)).toEqual({ 200: 2, 400: 1 });
  });

  it('spends nothing when its lease ended before it sent: reuse would end the grant', async ({
    expect,
  }) => {
    await using rig = await open('rotate_with_reuse_detection');
    const grant = await rig.consent(expired());
    await using other = await startEngineProcess(rig.setup);
    const late = await stopAt(rig, grant, 'request_sent');
    await using _late = late.engine;
    expect(await call(other, grant)).toMatchObject(ok);
    late.wake();
    expect(await late.answer).toMatchObject({ ...ok, generations: [2] });
    expect(refreshes(rig)).toEqual({ 200: 1 });
    await other.run({ do: 'skip', ms: 3_600_000 });
    expect(await call(other, grant)).toMatchObject(ok);
  });

  it('cannot be made good under reuse detection: the second use ended the family', async ({
    expect,
  }) => {
    await using rig = await open('rotate_with_reuse_detection');
    const grant = await rig.consent(expired());
    await using other = await startEngineProcess(rig.setup);
    const late = await stopAt(rig, grant, 'before_save');
    await using _late = late.engine;
    expect((await call(other, grant)).errors).toEqual({ grant_lost: 1 });
    late.wake();
    await late.answer;
    await other.run({ do: 'skip', ms: 3_600_000 });
    expect((await call(other, grant)).errors).toEqual({ grant_lost: 1 });
    expect(await rig.stored(grant)).toMatchObject({ state: 'lost' });
  });
});

describe.concurrent.each(eachDatabase)('a provider slower than its budget, on $database', (db) => {
  it('is asked once, and its late answer serves every waiter: reuse would end the grant', async ({
    expect,
  }) => {
    const gate = createGate();
    const sandbox = { rotation: 'rotate_with_reuse_detection', clock: gate.clock } as const;
    await using rig = await openEngineRig({ createDatabase: db.create, sandbox, budgets });
    const grant = await rig.consent(expired());
    await using one = await startEngineProcess(rig.setup);
    await using other = await startEngineProcess(rig.setup);
    rig.sandbox.addFault({ match: token, kind: 'delay', delayMs: 0, times: 1, phase: 'after' });
    const answers = [call(one, grant), call(other, grant)];
    const slow = await gate.next();
    await expect
      .poll(async () => (await rig.stored(grant)).failure?.code, pollFor)
      .toBe('upstream_timeout');
    slow.pass();
    for (const answer of answers) expect(await answer).toMatchObject({ ...ok, generations: [2] });
    expect(refreshes(rig)).toEqual({ 200: 1 });
    expect(await rig.stored(grant)).toMatchObject({ failure: undefined });
  });

  it('slower than the lease too: the late save is refused, its token saves the next holder', async ({
    expect,
  }) => {
    const gate = createGate();
    const sandbox = { rotation: 'rotate', clock: gate.clock } as const;
    await using rig = await openEngineRig({ createDatabase: db.create, sandbox, budgets });
    const grant = await rig.consent(expired());
    await using one = await startEngineProcess(rig.setup);
    const fault = { match: token, kind: 'delay', delayMs: 0, times: 1 } as const;
    rig.sandbox.addFault({ ...fault, phase: 'after' });
    rig.sandbox.addFault({ ...fault, phase: 'before' });
    const answer = call(one, grant);
    const first = await gate.next();
    const second = await gate.next();
    first.pass();
    await untilKept(rig, grant, expect);
    second.pass();
    expect(await answer).toMatchObject({ ...ok, generations: [2] });
    expect(refreshes(rig)).toEqual({ 200: 2, 400: 1 });
  });
});
