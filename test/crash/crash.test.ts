import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RotationMode } from '../../src/sandbox.ts';
import { eachDatabase } from '../support/each-database.ts';
import { runLane } from './crash-lane.ts';
import { describeKills, type KillOutcome } from './crash-report.ts';
import { killPoints, type KillPoint } from './kill-points.ts';

const rotations: readonly RotationMode[] = [
  'none',
  'rotate',
  'rotate_with_reuse_detection',
  'rotate_with_grace',
];
/** Set by `npm run test:crash`. */
const wantedKills = Number(process.env['KEYSHIFT_CRASH_KILLS'] ?? 0);
const everyLane = rotations.flatMap((rotation) =>
  eachDatabase.map((db) => [rotation, db] as const),
);
const outcomes: KillOutcome[] = [];

/** In short form every point is killed at under every rotation, on one of the databases each. */
function pointsOf(lane: number): (KillPoint | 'at_random')[] {
  if (wantedKills === 0) {
    return [...killPoints.filter((_point, index) => (lane + index) % 2 === 0), 'at_random'];
  }
  const round = [...killPoints, 'at_random', 'at_random'] as const;
  const rounds = Math.ceil(wantedKills / (everyLane.length * round.length));
  return Array.from({ length: rounds }, () => round).flat();
}

afterAll(() => {
  if (wantedKills > 0) process.stdout.write(`\n${describeKills(outcomes)}\n`);
});

/** All lanes run side by side from the start: most of their time they wait for leases to end. */
const lanes = new Map<string, Promise<void>>();
beforeAll(() => {
  for (const [rotation, db] of everyLane) {
    const points = pointsOf(rotations.indexOf(rotation) + eachDatabase.indexOf(db));
    const record = (outcome: KillOutcome) => void outcomes.push(outcome);
    const lane = runLane({ rotation, points, record, createDatabase: db.create });
    lane.catch(() => undefined);
    lanes.set(`${db.database} ${rotation}`, lane);
  }
});

describe.each(eachDatabase)('kill -9 at every step of a refresh, on $database', ({ database }) => {
  it.each(rotations)(
    'loses no grant that the provider still honours, and leaves no lease stuck: rotation "%s"',
    (rotation) => lanes.get(`${database} ${rotation}`),
    60_000 + wantedKills * 1_000,
  );
});

it('kills at least twenty processes, and two hundred in the long form', () => {
  expect(outcomes.length).toBeGreaterThanOrEqual(Math.max(20, wantedKills));
});
