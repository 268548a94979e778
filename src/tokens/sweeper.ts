import { isKeyshiftError } from '../errors/keyshift-error.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Random } from '../runtime/random.ts';
import { createPool } from '../runtime/concurrently.ts';
import { runService } from '../runtime/service.ts';
import type { OnUnreadable } from '../store/grants.ts';
import type { Grant } from '../model/grant.ts';
import type { SweepForecast } from '../store/grants.ts';
import type { Store } from '../store/store.ts';
import { createSweepPace, mostPerSec } from './sweep-pace.ts';
import type { TokenEngine } from './token-engine.ts';

/** What {@link createSweeper} works with. */
export interface SweeperOptions {
  readonly store: Pick<Store, 'grants' | 'sweepTurns'>;
  readonly tokens: TokenEngine;
  readonly clientId: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /**
   * Refreshes started a second, over all grants and all processes that share the database; by
   * default as many as the forecast asks for: `sweepRatePerSec`.
   */
  readonly ratePerSec?: number;
}

/** How one sweep went. */
export interface SweepResult {
  readonly refreshed: number;
  readonly lost: number;
  readonly failed: number;
}

/** Keeps grants alive that nobody asks for. */
export interface Sweeper {
  /** Refreshes what is due until nothing is, or the signal ends it between two grants. */
  sweep(signal?: AbortSignal, onRefreshed?: (done: number) => void): Promise<SweepResult>;
  /** Sweeps every half minute, with jitter, until the signal ends it. */
  run(signal: AbortSignal): Promise<void>;
  /** What falls due before a time; in the coming hour by default. */
  forecast(beforeMs?: number): Promise<SweepForecast>;
  /** Refreshes started a second at most, whatever the forecast. */
  readonly ratePerSec: number;
}

const batchSize = 20;
/** Refreshes on the wire at once. */
const maxConcurrent = 100;
const pauseMs = 30_000;

/**
 * Creates the sweeper. It refreshes tokens shortly before they end, finishes what a crash left
 * undone, and touches every grant at least once a day: that keeps the 90 days of idleness away
 * and finds an uninstall, of which Klaviyo tells nobody. Several processes share the work: each
 * claims rows that no other has, when it is its turn, so that all of them keep to one rate.
 *
 * @example
 * ```ts
 * const sweeper = createSweeper({ store, tokens, clientId, clock, random, logger });
 * const { refreshed, lost } = await sweeper.sweep();
 * ```
 */
export function createSweeper(options: SweeperOptions): Sweeper {
  const { tokens, clientId, clock, random, logger } = options;
  const { grants } = options.store;
  const pace = createSweepPace(options);

  async function refreshOne(grant: Grant, owner: string): Promise<keyof SweepResult> {
    try {
      await tokens.refreshClaimed(grant, owner);
      return 'refreshed';
    } catch (error) {
      if (!isKeyshiftError(error)) throw error;
      return error.code === 'grant_lost' ? 'lost' : 'failed';
    }
  }

  async function claim(
    owner: string,
    turnEndsAtMs: number,
    onUnreadable: OnUnreadable,
  ): Promise<Grant[]> {
    const nowMs = clock.now();
    const leaseExpiresAtMs = Math.max(nowMs, turnEndsAtMs) + tokens.budgets.leaseMs;
    const request = { clientId, owner, nowMs, leaseExpiresAtMs, limit: batchSize };
    const claimed = await grants.claimDue({ ...request, onUnreadable });
    if (claimed.length < batchSize) await pace.shortenTurn(turnEndsAtMs, claimed.length);
    return claimed;
  }

  async function sweep(
    signal?: AbortSignal,
    onRefreshed?: (done: number) => void,
  ): Promise<SweepResult> {
    const result = { refreshed: 0, lost: 0, failed: 0 };
    const pool = createPool(maxConcurrent);
    const isEnded = () => signal?.aborted === true || pool.failed;
    const refresh = async (grant: Grant, owner: string) => {
      const outcome = await refreshOne(grant, owner);
      result[outcome] += 1;
      onRefreshed?.(result.refreshed + result.lost + result.failed);
    };

    const onUnreadable: OnUnreadable = (account, error) => {
      result.failed += 1;
      logger.error({ err: error, account }, 'a grant is due and its row cannot be opened');
    };
    /** Returns whether there may be more. */
    const startBatch = async () => {
      const turnEndsAtMs = await pace.takeTurn(batchSize, isEnded, signal);
      if (turnEndsAtMs === undefined) return false;
      const owner = random.id();
      const claimed = await claim(owner, turnEndsAtMs, onUnreadable);
      for (const grant of claimed) {
        if (!isEnded()) await pace.nextStart();
        const started = !isEnded() && (await pool.start(() => refresh(grant, owner)));
        if (!started) await grants.releaseLease(grant.id, owner);
      }
      return claimed.length === batchSize;
    };

    try {
      for (let left = true; left && !isEnded();) {
        // A batch is claimed when it can start whole: its leases run from then on.
        await pool.room(batchSize);
        if (!isEnded()) left = await startBatch();
      }
    } finally {
      await pool.finish();
    }
    if (result.refreshed + result.lost + result.failed > 0) logger.info(result, 'sweep done');
    return result;
  }

  return {
    sweep,
    run: (signal) =>
      runService(
        {
          name: 'a sweep',
          everyMs: pauseMs,
          async round(ended) {
            await sweep(ended);
            return undefined;
          },
        },
        options,
        signal,
      ),
    ratePerSec: options.ratePerSec ?? mostPerSec,
    forecast: (beforeMs = clock.now() + 3_600_000) => grants.forecast(clientId, beforeMs),
  };
}

/**
 * One line for people: how many grants there are, and what keeping them alive asks for.
 *
 * @example
 * ```ts
 * describeForecast({ grants: 1200, due: 600 }, 200); // 1200 grants, 0.167 refreshes/s in the coming hour
 * ```
 */
export function describeForecast({ grants, due }: SweepForecast, ratePerSec: number): string {
  const perSec = due / 3600;
  const line = `${grants} grants, ${perSec.toFixed(perSec >= 1 ? 1 : 3)} refreshes/s in the coming hour`;
  return perSec > ratePerSec
    ? `${line}: more than the ${ratePerSec}/s that all sweepers keep to, the rest is refreshed when it is called`
    : line;
}
