/** A report as every format shows it. Texts are plain; each renderer escapes them its own way. */
export interface ReportDocument {
  readonly title: string;
  readonly subtitle: string;
  readonly sections: readonly ReportSection[];
}

/** One part of a report: what it has is shown in this order. */
export interface ReportSection {
  readonly title: string;
  readonly notes?: readonly string[];
  readonly facts?: readonly (readonly [label: string, value: string])[];
  readonly bars?: readonly ReportBar[];
  readonly table?: ReportTable;
}

/** A bar is as long as its value is of the largest. */
export interface ReportBar {
  readonly label: string;
  readonly value: number;
  /** Beside the number. */
  readonly note?: string;
}

export interface ReportTable {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Columns of numbers, which stand at the right. */
  readonly numeric?: readonly number[];
}

/** A time for people, UTC, to the minute. */
export function formatTime(atMs: number | undefined): string {
  return atMs === undefined ? '–' : new Date(atMs).toISOString().slice(0, 16).replace('T', ' ');
}

/** A day for people, UTC. */
export function formatDay(atMs: number | undefined): string {
  return atMs === undefined ? '–' : new Date(atMs).toISOString().slice(0, 10);
}

/** A stretch of time in its largest unit: `45 s`, `12 min`, `3.5 h`, `9.1 days`. */
export function formatSpan(ms: number): string {
  const seconds = ms / 1_000;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${(seconds / 3_600).toFixed(1)} h`;
  return `${(seconds / 86_400).toFixed(1)} days`;
}

/** A share of a whole, without decimals where they say nothing. */
export function formatShare(part: number, whole: number): string {
  if (whole === 0) return '–';
  const percent = (part / whole) * 100;
  return `${percent > 0 && percent < 10 ? percent.toFixed(1) : percent.toFixed(0)} %`;
}
