import type { Clock } from '../runtime/clock.ts';
import type { Grant } from '../model/grant.ts';

/** Saves a pair once, for the holder of the lease; answers like a refresh. */
export type SaveOnce = (owner?: string) => Promise<Grant | 'superseded'>;

/** What {@link createUnsavedPairs} works with. */
export interface UnsavedPairsOptions {
  readonly clock: Clock;
  /** Runs what no caller waits for, and keeps the engine from being drained meanwhile. */
  readonly inBackground: (work: () => Promise<void>) => void;
}

/**
 * Pairs that Klaviyo gave and the database could not take while somebody waited. Each may hold the
 * only refresh token that is still good, so this process goes on with it behind everybody's back,
 * and before it spends the refresh token of that grant again.
 */
export interface UnsavedPairs {
  /** Goes on saving every ten seconds for up to an hour. */
  keep(grantId: string, save: SaveOnce): void;
  /**
   * Tries at once to save what is kept for a grant; `undefined` when nothing is.
   *
   * @param owner who holds the lease of the grant now, if not who refreshed it
   * @throws what the save throws; the pair is kept then
   */
  retry(grantId: string, owner?: string): Promise<Grant | 'superseded' | undefined>;
  /** Tries once more each, and lets go of what cannot be saved. */
  stop(): void;
}

const pauseMs = 10_000;
const longestMs = 3_600_000;

/** Creates an empty one. */
export function createUnsavedPairs({ clock, inBackground }: UnsavedPairsOptions): UnsavedPairs {
  const kept = new Map<string, SaveOnce>();
  let stopping = new AbortController();

  const retry: UnsavedPairs['retry'] = async (grantId, owner) => {
    const save = kept.get(grantId);
    if (!save) return undefined;
    const saved = await save(owner);
    if (kept.get(grantId) === save) kept.delete(grantId);
    return saved;
  };

  async function persist(grantId: string, save: SaveOnce): Promise<void> {
    const { signal } = stopping;
    const untilMs = clock.now() + longestMs;
    while (kept.get(grantId) === save) {
      // Ended while it waits: then it is tried for the last time.
      await clock.sleep(pauseMs, signal).catch(() => undefined);
      try {
        await retry(grantId);
      } catch (error) {
        if (!signal.aborted && clock.now() < untilMs) continue;
        kept.delete(grantId);
        throw error;
      }
    }
  }

  return {
    keep(grantId, save) {
      kept.set(grantId, save);
      inBackground(() => persist(grantId, save));
    },
    retry,
    stop() {
      stopping.abort();
      stopping = new AbortController();
    },
  };
}
