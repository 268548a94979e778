/** The classes in which refreshes are counted. */
export const refreshOutcomes = [
  'refreshed',
  'recovered',
  'late',
  'lost',
  'client_rejected',
  'request_rejected',
  'transient',
  'superseded',
] as const;
export type RefreshOutcome = (typeof refreshOutcomes)[number];

/** Counts refreshes by how they ended, for metrics. */
export interface OutcomeCounters {
  add(outcome: RefreshOutcome): void;
  read(): Readonly<Record<RefreshOutcome, number>>;
}

/** Creates counters at zero. */
export function createOutcomeCounters(): OutcomeCounters {
  const counts = Object.fromEntries(refreshOutcomes.map((outcome) => [outcome, 0])) as Record<
    RefreshOutcome,
    number
  >;
  return {
    add: (outcome) => {
      counts[outcome] += 1;
    },
    read: () => ({ ...counts }),
  };
}
