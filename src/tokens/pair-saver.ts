import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Grant, TokenPair } from '../model/grant.ts';
import type { GrantStore } from '../store/store.ts';

/** What {@link createPairSaver} works with. */
export interface PairSaverOptions {
  readonly grants: GrantStore;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Saves the pair that `owner` was given for a grant, and answers the grant with it; `undefined`
 * when another holder took over meanwhile. Then that one's pair rules, and this one's refresh
 * token is kept beside it: the provider may honour no other.
 *
 * A failed save is repeated, a refresh never is: the pair in hand is the only copy there is.
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
      // The other holder may have found the grant lost before it could know of this token.
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
