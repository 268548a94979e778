import { expect } from 'vitest';
import { systemClock } from '../../src/runtime/clock.ts';
import { systemRandom } from '../../src/runtime/random.ts';
import type { RotationMode } from '../../src/sandbox.ts';
import type { Grant } from '../../src/model/grant.ts';
import type { TestDatabase } from '../support/databases.ts';
import { createGate, type Gate } from '../support/engine-process-gate.ts';
import { openEngineRig, type EngineRig } from '../support/engine-process-rig.ts';
import { startEngineProcess, type EngineProcess } from '../support/engine-process.ts';
import type { KillOutcome } from './crash-report.ts';
import { fateOf, type KillPoint } from './kill-points.ts';

/** What one lane kills: a provider and a database of its own, one kill after the other. */
export interface LaneOptions {
  readonly rotation: RotationMode;
  readonly createDatabase: () => Promise<TestDatabase>;
  /** Where to kill, one after the other. */
  readonly points: readonly (KillPoint | 'at_random')[];
  /** Told of every kill, also of one that should have been survived and was not. */
  readonly record: (outcome: KillOutcome) => void;
}

const token = { method: 'POST', path: '/oauth/token' };
const path = '/api/profiles';
/** The columns that a saved pair replaces, all of them or none. */
const pairColumns = [
  ...['access_token', 'refresh_token', 'refresh_index', 'previous_refresh_token'],
  ...['previous_refresh_index', 'scope', 'expires_at', 'obtained_at', 'consented_at'],
];

/** Kills processes, lets others recover, and holds both to what must be true; then the next. */
export async function runLane(options: LaneOptions): Promise<void> {
  const { rotation, createDatabase, points } = options;
  const gate = createGate();
  await using rig = await openEngineRig({
    ...{ createDatabase, accounts: points.length },
    sandbox: { rotation, clock: gate.clock },
  });
  await using relay = createRelay(points.length, () => startEngineProcess(rig.setup));
  for (const point of points) {
    const { victim, heir } = await relay.next();
    try {
      await killAndRecover({ ...options, rig, gate, victim, heir, point });
    } catch (error) {
      throw new Error(`killed at ${point} under ${rotation}`, { cause: error });
    }
  }
}

/**
 * Who recovers one kill is the next to be killed; it knows nothing of the grant before. The one
 * after is already starting.
 */
function createRelay(kills: number, start: () => Promise<EngineProcess>) {
  const started = [start(), start()];
  let killed = 0;
  return {
    async next() {
      killed += 1;
      if (killed < kills) started.push(start());
      const [victim, heir] = await Promise.all([started[killed - 1], started[killed]]);
      return { victim: victim!, heir: heir! };
    },
    async [Symbol.asyncDispose]() {
      for (const each of await Promise.allSettled(started)) {
        if (each.status === 'fulfilled') await each.value[Symbol.asyncDispose]();
      }
    },
  };
}

interface Kill extends Pick<LaneOptions, 'rotation' | 'record'> {
  readonly rig: EngineRig;
  readonly gate: Gate;
  readonly point: KillPoint | 'at_random';
  readonly victim: EngineProcess;
  readonly heir: EngineProcess;
}

async function killAndRecover(kill: Kill): Promise<void> {
  const { rig, rotation, point, heir, record } = kill;
  const grant = await rig.consent({ expiresAtMs: systemClock.now() - 1 });
  const before = await rig.row(grant);
  const processedBefore = rig.sandbox.statistics().refreshes;
  await carryOut(kill, grant);
  expect(await kill.victim.ended).toBe('SIGKILL');
  const left = await rig.row(grant);
  if (point !== 'at_random') expectWhole(kill, before, left);

  // A lease left behind is over at the moment it tells, not a poll earlier or later.
  const leaseEndsAtMs = Number(left['lease_expires_at'] ?? 0);
  await heir.run({ do: 'skip_to', atMs: leaseEndsAtMs });
  const freeAtMs = systemClock.now();
  const tally = await heir.run({ do: 'call', accountId: grant.accountId, callers: 1, path });
  const recoveryMs = systemClock.now() - freeAtMs;
  const after = await rig.stored(grant);
  const processed = rig.sandbox.statistics().refreshes - processedBefore;
  const answersLost = processed - (after.generation - 1);
  const survived = after.state === 'active';
  const mustSurvive =
    point === 'at_random'
      ? answersLost === 0 || fateOf('on_wire_processed', rotation).survives
      : fateOf(point, rotation).survives;
  const { lease_owner: owner, lease_expires_at: endsAtMs } = await rig.row(grant);
  const stuck = owner !== null || endsAtMs !== null;
  record({ rotation, point, survived, mustSurvive, stuck, recoveryMs });

  expect({ survived, tally }).toMatchObject(
    mustSurvive
      ? { survived: true, tally: { statuses: { 200: 1 }, errors: {} } }
      : { survived: false, tally: { statuses: {}, errors: { grant_lost: 1 } } },
  );
  // No answer is saved twice, and one death loses one answer at most.
  expect([0, 1]).toContain(answersLost);
  expect({ owner, endsAtMs }).toEqual({ owner: null, endsAtMs: null });
}

/** Lets the victim refresh and die. */
async function carryOut({ rig, gate, victim, point }: Kill, grant: Grant): Promise<void> {
  const { accountId } = grant;
  const refresh = () => void victim.run({ do: 'call', accountId, callers: 1, path }).catch(ignore);
  const hold = (phase: 'before' | 'after') =>
    rig.sandbox.addFault({ match: token, kind: 'delay', delayMs: 0, times: 1, phase });
  const kill = async () => {
    victim.signal('SIGKILL');
    await victim.ended;
  };

  switch (point) {
    case 'on_wire_dropped': {
      hold('before');
      refresh();
      const request = await gate.next();
      await kill();
      request.drop();
      return;
    }
    case 'on_wire_processed':
    case 'on_wire_processed_later': {
      hold(point === 'on_wire_processed' ? 'after' : 'before');
      refresh();
      const request = await gate.next();
      await kill();
      request.pass();
      return;
    }
    case 'at_random':
      void victim.run({ do: 'loop', accountId }).catch(ignore);
      await systemClock.sleep(5 + 120 * systemRandom.fraction());
      await kill();
      return;
    default:
      // A lease is given back with its failure only where there is one.
      if (point === 'before_release') {
        rig.sandbox.addFault({ match: token, kind: 'status', status: 503, times: 1 });
      }
      await victim.run({ do: 'signal', step: point, signal: 'SIGKILL' });
      refresh();
      await victim.ended;
  }
}

/** The row holds the pair from before or the next one, never something between. */
function expectWhole(
  { point, rotation }: Kill,
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): void {
  const pick = (row: typeof before) => pairColumns.map((column) => row[column]);
  const saved = point === 'after_save';
  expect(Number(after['generation'])).toBe(Number(before['generation']) + (saved ? 1 : 0));
  if (!saved) {
    expect(pick(after)).toEqual(pick(before));
    return;
  }
  expect(after['access_token']).not.toBe(before['access_token']);
  expect(after['consented_at']).toBe(before['consented_at']);
  if (rotation === 'none') expect(after['refresh_index']).toBe(before['refresh_index']);
  else expect(after['previous_refresh_index']).toBe(before['refresh_index']);
}

function ignore(): void {
  // The victim never answers.
}
