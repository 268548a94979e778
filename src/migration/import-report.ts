/** What became of one row; in a dry run, what would become of it. */
export const rowVerdicts = ['imported', 'updated', 'unchanged', 'duplicate', 'rejected'] as const;
export type RowVerdict = (typeof rowVerdicts)[number];

/** A line of the report that a person should look at. */
export interface ImportIssue {
  readonly line: number;
  readonly customerId?: string | undefined;
  /** `error`: the row was left out; `warning`: it was taken. */
  readonly severity: 'error' | 'warning';
  readonly code: string;
  readonly message: string;
}

/** What an import did. Verdicts add up to `rows`. */
export interface ImportReport {
  readonly rows: number;
  readonly verdicts: Readonly<Record<RowVerdict, number>>;
  /** False when it was ended early. */
  readonly complete: boolean;
}

/** So many customers who share a key are named; more are not looked for. */
export const namedSharers = 5;
