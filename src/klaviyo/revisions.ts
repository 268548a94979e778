import { betaOperations, type Operation } from './operations.ts';

/** A revision of Klaviyo's API, which lives for two years. */
export interface Revision {
  /** As in the header, without `.pre`. */
  readonly date: string;
  /**
   * Retired ones are answered 410, or silently served as a supported one: Klaviyo's guide says both.
   * Deprecated ones work.
   */
  readonly state: 'retired' | 'deprecated' | 'supported';
}

const dates = [
  ...['2022-10-17', '2022-12-15'],
  ...['2023-01-24', '2023-02-22', '2023-06-15', '2023-07-15', '2023-08-15', '2023-09-15'],
  ...['2023-10-15', '2023-12-15'],
  ...['2024-02-15', '2024-05-15', '2024-06-15', '2024-07-15', '2024-10-15'],
  ...['2025-01-15', '2025-04-15', '2025-07-15', '2025-10-15'],
  ...['2026-01-15', '2026-04-15', '2026-07-15', '2026-10-15'],
];

/** Every revision that Klaviyo has published, oldest first. */
export const revisions: readonly Revision[] = dates.map((date) => ({
  date,
  state: date < '2025' ? 'retired' : date < '2026' ? 'deprecated' : 'supported',
}));

/**
 * The newest revision known. Its list of operations is provisional: its OpenAPI file could not be
 * had, so that it is July's stable operations with those promoted from July's beta file.
 */
export const newestRevision = '2026-10-15';

/** The first beta revision whose operations are known. */
const firstBeta = '2026-07-15';

const betaIds: ReadonlySet<string> = new Set(betaOperations.map(({ id }) => id));

/** The revisions under which an operation exists. */
export interface OperationSpan {
  /** First stable revision, empty where it is older than is known; `undefined` for a beta operation. */
  readonly stableFrom: string | undefined;
  /** First `.pre` revision, where it exists under `.pre` revisions before any stable one. */
  readonly betaFrom: string | undefined;
}

/** From when on an operation exists; none is known to have ended. */
export function spanOf({ id, promotedIn }: Operation): OperationSpan {
  return betaIds.has(id)
    ? { stableFrom: promotedIn, betaFrom: firstBeta }
    : { stableFrom: '', betaFrom: undefined };
}

/** Whether an operation exists under a revision, which may end in `.pre`. */
export function existsUnder(operation: Operation, revision: string): boolean {
  const { stableFrom, betaFrom } = spanOf(operation);
  const date = revision.slice(0, 10);
  if (stableFrom !== undefined && date >= stableFrom) return true;
  return revision.endsWith('.pre') && betaFrom !== undefined && date >= betaFrom;
}
