import type { RotationMode } from '../../src/sandbox.ts';
import { fateOf, type KillPoint } from './kill-points.ts';

/** How one kill ended. */
export interface KillOutcome {
  readonly rotation: RotationMode;
  readonly point: KillPoint | 'at_random';
  readonly survived: boolean;
  /** Whether the provider still honoured a token that was stored. */
  readonly mustSurvive: boolean;
  /** Whether a lease was left when the next process had recovered the grant. */
  readonly stuck: boolean;
  /** From the end of the lease to the answer of the process that recovered, in milliseconds. */
  readonly recoveryMs: number;
}

/** Every kill of a run as a table: where, how many, what survived, and why the rest could not. */
export function describeKills(outcomes: readonly KillOutcome[]): string {
  const groups = Map.groupBy(outcomes, ({ rotation, point }) => `${rotation} ${point}`);
  const lines = [...groups.values()].map((group) => {
    const { rotation, point } = group[0]!;
    const slowestMs = Math.max(...group.map(({ recoveryMs }) => recoveryMs));
    const why =
      point === 'at_random' ? 'excluded where the answer died' : fateOf(point, rotation).why;
    return [
      ...[rotation.padEnd(28), point.padEnd(24)],
      ...counts(group).map((count) => String(count).padStart(9)),
      `${slowestMs.toFixed(0)} ms`.padStart(10),
      `  ${why}`,
    ].join('');
  });
  const [kills, survived, excluded, lost, stuck] = counts(outcomes);
  return [
    `${'rotation'.padEnd(28)}${'killed'.padEnd(24)}    kills survived excluded     lost    stuck   slowest  why`,
    ...lines.sort(),
    `${kills} kills: ${survived} survived, ${excluded} excluded as nothing could survive, ${lost} lost, ${stuck} leases stuck`,
  ].join('\n');
}

function counts(outcomes: readonly KillOutcome[]) {
  const dead = outcomes.filter(({ survived }) => !survived);
  const lost = dead.filter(({ mustSurvive }) => mustSurvive).length;
  const stuck = outcomes.filter((outcome) => outcome.stuck).length;
  const survived = outcomes.length - dead.length;
  return [outcomes.length, survived, dead.length - lost, lost, stuck] as const;
}
