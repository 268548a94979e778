/** Runs work, so much at the same time and no more. */
export interface Pool {
  /**
   * Starts the work, once there is room for it.
   *
   * @returns whether it was started: not when earlier work has thrown
   */
  start(work: () => Promise<unknown>): Promise<boolean>;
  /** Resolves when so much more could be started at once. */
  room(places: number): Promise<void>;
  /** Whether work has thrown. */
  readonly failed: boolean;
  /**
   * Resolves when everything that was started has ended.
   *
   * @throws what was thrown first
   */
  finish(): Promise<void>;
}

/** Creates an idle pool. What fails ends nothing that is under way. */
export function createPool(concurrency: number): Pool {
  const running = new Set<Promise<void>>();
  const failures: unknown[] = [];

  async function room(places: number): Promise<void> {
    while (running.size > 0 && running.size + places > concurrency) await Promise.race(running);
  }

  return {
    room,
    get failed() {
      return failures.length > 0;
    },
    async start(work) {
      await room(1);
      if (failures.length > 0) return false;
      const started = work()
        .then(
          () => undefined,
          (error: unknown) => void failures.push(error),
        )
        .finally(() => running.delete(started));
      running.add(started);
      return true;
    },
    async finish() {
      await Promise.all(running);
      if (failures.length > 0) throw failures[0];
    },
  };
}

/**
 * Does the work for each item, so many at the same time. Items are taken as there is room, so that
 * a long source is not read ahead. No more are taken once work has thrown or `isEnded` says so; the
 * work under way comes to its end first.
 *
 * @throws what was thrown first
 * @example
 * ```ts
 * await forEachConcurrently(store.connections.list(), 8, (connection) => check(connection));
 * ```
 */
export async function forEachConcurrently<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  concurrency: number,
  work: (item: Item) => Promise<unknown>,
  isEnded: () => boolean = () => false,
): Promise<void> {
  const pool = createPool(concurrency);
  const ended = () => isEnded() || pool.failed;
  try {
    if (ended()) return;
    for await (const item of items) {
      if (ended()) break;
      await pool.start(() => work(item));
      await pool.room(1);
      if (ended()) break;
    }
  } finally {
    await pool.finish();
  }
}
