/** A query against the integrator's own database. */
export interface SqlQuery {
  /** `postgres://…`, `mysql://…` or `sqlite:path`; it may hold a password and is never shown. */
  readonly url: string;
  /** One statement that reads. */
  readonly text: string;
  /** Milliseconds for connecting, and for each batch of rows. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
  /** Told the names of the columns before the first row, also where there is none. */
  readonly onColumns: (names: readonly string[]) => void;
}

/**
 * Gives rows by column, a batch at a time, and reads no further than it is asked. Numbers that
 * JavaScript would round are text, or of a type that keeps them.
 */
export type ReadSqlRows = (query: SqlQuery) => AsyncIterable<object>;
