/** What became of a customer's metrics, or of one of them. */
export type MetricVerdict = 'continuous' | 'branded' | 'duplicated' | 'missing';

/** A snapshot as it is stored. */
export interface MetricSnapshotRecord {
  readonly id: string;
  readonly connectionId: string;
  readonly takenAtMs: number;
  /** JSON. */
  readonly content: string;
}

/** A comparison as it is stored. */
export interface MetricComparisonRecord {
  readonly connectionId: string;
  readonly comparedAtMs: number;
  readonly verdict: MetricVerdict;
  /** JSON. */
  readonly content: string;
}
