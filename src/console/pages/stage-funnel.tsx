import { stageRules, stages, type Stage } from '../../model/stages.ts';

/** How many connections stand at a stage. */
export interface StageTally {
  readonly stage: Stage;
  readonly count: number;
}

/** Sums tallies by stage; stages that are not named count zero. */
export function tallyByStage(tallies: readonly StageTally[]): ReadonlyMap<Stage, number> {
  const counts = new Map<Stage, number>(stages.map((stage) => [stage, 0]));
  for (const { stage, count } of tallies) counts.set(stage, (counts.get(stage) ?? 0) + count);
  return counts;
}

/** One bar a stage, in the order of the journey, drawn on the server as SVG. */
export function StageFunnel({ counts }: { readonly counts: ReadonlyMap<Stage, number> }) {
  const largest = Math.max(1, ...counts.values());
  return (
    <ol class="funnel" role="list">
      {stages.map((stage) => (
        <StageBar stage={stage} count={counts.get(stage) ?? 0} largest={largest} />
      ))}
    </ol>
  );
}

interface StageBarProps {
  readonly stage: Stage;
  readonly count: number;
  readonly largest: number;
}

function StageBar({ stage, count, largest }: StageBarProps) {
  const { label, meaning } = stageRules[stage];
  // A stage with one connection among thousands still shows a sliver.
  const percent = count === 0 ? 0 : Math.max(0.5, (100 * count) / largest);
  return (
    <li class={stage === 'attention' ? 'needs' : undefined}>
      <span>{label}</span>
      <svg aria-hidden="true" focusable="false">
        <rect width={`${percent.toFixed(2)}%`} height="100%" />
      </svg>
      <span class="count">{formatCount(count)}</span>
      <span class="meaning">{meaning}</span>
    </li>
  );
}

const countFormat = new Intl.NumberFormat('en-US');

/** A count with thousands separators. */
export function formatCount(count: number): string {
  return countFormat.format(count);
}
