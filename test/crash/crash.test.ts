import { afterAll, describe, expect, it } from 'vitest';
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
const wantedKills = Number(process.env['CRASH_KILLS'] ?? 0);
const lanes = rotations.length * eachDatabase.length;
const outcomes: KillOutcome[] = [];

/** In short form every point is killed at under every rotation, on one of the databases each. */
function pointsOf(lane: number): (KillPoint | 'at_random')[] {
  if (wantedKills === 0) {
    return [...killPoints.filter((_point, index) => (lane + index) % 2 === 0), 'at_random'];
  }
  const round = [...killPoints, 'at_random', 'at_random'] as const;
  const rounds = Math.ceil(wantedKills / (lanes * round.length));
  return Array.from({ length: rounds }, () => round).flat();
}

afterAll(() => {
  if (wantedKills > 0) process.stdout.write(`\n${describeKills(outcomes)}\n`);
});

describe.each(eachDatabase)('kill -9 at every step of a refresh, on $database', (db) => {
  it.each(rotations)(
    'loses no grant that the provider still honours, and leaves no lease stuck: rotation "%s"',
    async (rotation) => {
      const points = pointsOf(rotations.indexOf(rotation) + eachDatabase.indexOf(db));
      const record = (outcome: KillOutcome) => void outcomes.push(outcome);
      await runLane({ rotation, points, record, createDatabase: db.create });
    },
    // For the worst of machines: nothing in a lane waits for a time to pass.
    300_000 + wantedKills * 6_000,
  );
});

it('kills at least twenty processes, and two hundred in the long form', () => {
  expect(outcomes.length).toBeGreaterThanOrEqual(Math.max(20, wantedKills));
});
