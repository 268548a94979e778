/** Where a list goes on, and how much of it is read at a time. */
export interface PageRequest<Key> {
  /** Only what comes behind this; absent on the first page. */
  readonly after: Key | undefined;
  readonly limit: number;
}

/**
 * Reads a list page by page, each starting behind the last row of the one before, so that memory
 * stays flat and no row that stays in place is read twice or missed.
 *
 * @param keyOf what rows are ordered by, unique to each
 */
export async function* readPages<Row, Key>(
  read: (page: PageRequest<Key>) => Promise<readonly Row[]>,
  keyOf: (row: Row) => Key,
  { after, limit = 200 }: Partial<PageRequest<Key>> = {},
): AsyncGenerator<Row> {
  for (;;) {
    const rows = await read({ after, limit });
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < limit) return;
    after = keyOf(last);
  }
}
