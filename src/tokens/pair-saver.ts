import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Grant, TokenPair } from '../model/grant.ts';
import type { GrantStore } from '../store/grants.ts';

/** What {@link createPairSaver} works with. */
export interface PairSaverOptions {
  readonly grants: GrantStore;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Saves the pair that `owner` was given for a grant.
 *
 * A failed save is repeated, a refresh never is: the pair in hand is the only copy there is.
 *
 * @returns the grant with the pair; `undefined` when another process has taken the lease over. Then
 * that one's pair rules, and this refresh token is kept beside it: the provider may honour no other
 */
export type SavePair = (
  grant: Pick<Grant, 'id' | 'generation'>,
  owner: string,
  pair: TokenPair,
) => Promise<Grant | undefined>;

/** {@link SavePair}, for as long as somebody waits for it, or once. */
export interface PairSaver {
  /** Tries for about three minutes without a database, then throws what it says. */
  readonly save: SavePair;
  readonly saveOnce: SavePair;
}

const mostFailures = 20;
const longestPauseMs = 10_000;

/** Creates the saver. */
export function createPairSaver({ grants, clock, logger }: PairSaverOptions): PairSaver {
  const saveOnce: SavePair = async ({ id, generation }, owner, pair) => {
    for (;;) {
      const saved = await grants.saveRefreshed(id, generation, pair, owner);
      if (saved || !(await grants.keepForRecovery(id, generation, pair.refreshToken))) return saved;
      // The other process may have found the grant lost before it could know of this token.
      const lease = await grants.readLease(id);
      if (lease?.state !== 'lost') return undefined;
    }
  };

  return {
    saveOnce,
    async save(grant, owner, pair) {
      for (let failures = 1; ; failures += 1) {
        try {
          return await saveOnce(grant, owner, pair);
        } catch (error) {
          logger.error({ err: error, failures }, 'a refreshed pair could not be saved yet');
          if (failures > mostFailures) throw error;
          await clock.sleep(Math.min(50 * 2 ** failures, longestPauseMs));
        }
      }
    },
  };
}

/** Saves a kept pair once, for the holder of the lease; returns what a refresh returns. */
export type SaveKept = (owner?: string) => Promise<Grant | 'superseded'>;

/** What {@link createUnsavedPairs} works with. */
export interface UnsavedPairsOptions {
  readonly clock: Clock;
  /** Runs what no caller waits for, and keeps the engine from being drained meanwhile. */
  readonly inBackground: (work: () => Promise<void>) => void;
}

/**
 * Pairs that Klaviyo gave and the database could not take while somebody waited. Each may hold the
 * only refresh token that still works. So this process goes on saving it in the background, and
 * saves it before it spends the stored refresh token of that grant again.
 */
export interface UnsavedPairs {
  /** Goes on saving every ten seconds for up to an hour. */
  keep(grantId: string, save: SaveKept): void;
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

const keptPauseMs = 10_000;
const keptForMs = 3_600_000;

/** Creates an empty one. */
export function createUnsavedPairs({ clock, inBackground }: UnsavedPairsOptions): UnsavedPairs {
  const kept = new Map<string, SaveKept>();
  let stopping = new AbortController();

  const retry: UnsavedPairs['retry'] = async (grantId, owner) => {
    const save = kept.get(grantId);
    if (!save) return undefined;
    const saved = await save(owner);
    if (kept.get(grantId) === save) kept.delete(grantId);
    return saved;
  };

  async function persist(grantId: string, save: SaveKept): Promise<void> {
    const { signal } = stopping;
    const untilMs = clock.now() + keptForMs;
    while (kept.get(grantId) === save) {
      // When the wait is cut short, this is the last try.
      await clock.sleep(keptPauseMs, signal).catch(() => undefined);
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
