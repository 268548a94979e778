import { isKeyshiftError } from '../errors/keyshift-error.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Random } from '../runtime/random.ts';
import type { Grant } from '../store/records.ts';
import type { GrantStore, SweepForecast } from '../store/store.ts';
import type { TokenEngine } from './token-engine.ts';

/** What {@link createSweeper} works with. */
export interface SweeperOptions {
  readonly grants: GrantStore;
  readonly tokens: TokenEngine;
  readonly clientId: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /**
   * Refreshes started a second, over all grants of this process; by default as many as the
   * forecast asks for, see {@link sweepRatePerSec}.
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
  /** What the coming hour will ask for. */
  forecast(): Promise<SweepForecast>;
  /** Refreshes started a second at most, whatever the forecast. */
  readonly ratePerSec: number;
}

const batchSize = 20;
/** Refreshes on the wire at once. */
const mostAtOnce = 100;
const pauseMs = 30_000;

const leastPerSec = 20;
const mostPerSec = 200;
/** For tokens whose lives are longer than it looks ahead, and for refreshes that fail at first. */
const headRoom = 1.25;
/** The rate is found for what falls due in this time, and found anew ten times in it. */
const lookAheadMs = 600_000;

/**
 * Refreshes a second that keep up with what falls due, with a quarter to spare: at least 20, so
 * that a few grants do not wait for each other, and at most 200 a process, so that a day on which
 * everything is due is no flood at Klaviyo.
 *
 * @param due grants that are due now or fall due within `withinMs`
 */
export function sweepRatePerSec(due: number, withinMs: number): number {
  const neededPerSec = (due * headRoom * 1000) / withinMs;
  return Math.min(mostPerSec, Math.max(leastPerSec, Math.ceil(neededPerSec)));
}

/**
 * Creates the sweeper. It refreshes tokens shortly before they end, finishes what a crash left
 * undone, and touches every grant at least once a day: that keeps the 90 days of idleness away
 * and finds an uninstall, of which Klaviyo tells nobody. Several processes share the work: each
 * claims rows that no other has.
 *
 * @example
 * ```ts
 * const sweeper = createSweeper({ grants: store.grants, tokens, clientId, clock, random, logger });
 * const { refreshed, lost } = await sweeper.sweep();
 * ```
 */
export function createSweeper(options: SweeperOptions): Sweeper {
  const { grants, tokens, clientId, clock, random, logger } = options;
  let ratePerSec = options.ratePerSec ?? leastPerSec;
  let rateUntilMs = options.ratePerSec === undefined ? 0 : Infinity;
  let nextStartMs = 0;

  async function followForecast(): Promise<void> {
    const nowMs = clock.now();
    if (nowMs < rateUntilMs) return;
    rateUntilMs = nowMs + lookAheadMs / 10;
    const { due } = await grants.forecast(clientId, nowMs + lookAheadMs);
    ratePerSec = sweepRatePerSec(due, lookAheadMs);
  }

  /** One start at a time, no faster than the rate, whatever the batches. */
  async function takeTurn(): Promise<void> {
    const nowMs = clock.now();
    const turnMs = Math.max(nowMs, nextStartMs);
    nextStartMs = turnMs + 1000 / ratePerSec;
    // A timer is never shorter than a millisecond: below that a pause would be the limit.
    if (turnMs - nowMs >= 1) await clock.sleep(turnMs - nowMs);
  }

  async function refreshOne(grant: Grant, owner: string): Promise<keyof SweepResult> {
    try {
      await tokens.refreshClaimed(grant, owner);
      return 'refreshed';
    } catch (error) {
      if (!isKeyshiftError(error)) throw error;
      return error.code === 'grant_lost' ? 'lost' : 'failed';
    }
  }

  async function claim(limit: number): Promise<{ claimed: readonly Grant[]; owner: string }> {
    await followForecast();
    const owner = random.id();
    const nowMs = clock.now();
    const leaseExpiresAtMs =
      nowMs + tokens.budgets.leaseMs + Math.ceil((limit * 1000) / ratePerSec);
    const claimed = await grants.claimDue({ clientId, owner, nowMs, leaseExpiresAtMs, limit });
    return { claimed, owner };
  }

  async function sweep(
    signal?: AbortSignal,
    onRefreshed?: (done: number) => void,
  ): Promise<SweepResult> {
    const result = { refreshed: 0, lost: 0, failed: 0 };
    const running = new Set<Promise<void>>();
    const defects: unknown[] = [];
    const isEnded = () => signal?.aborted === true || defects.length > 0;
    const start = (grant: Grant, owner: string) => {
      const work = refreshOne(grant, owner)
        .then((outcome) => {
          result[outcome] += 1;
          onRefreshed?.(result.refreshed + result.lost + result.failed);
        })
        .catch((error: unknown) => void defects.push(error))
        .finally(() => running.delete(work));
      running.add(work);
    };

    try {
      while (!isEnded()) {
        // Accounts that Klaviyo is slow for do not hold up the others.
        if (running.size > mostAtOnce - batchSize) await Promise.race(running);
        else {
          const { claimed, owner } = await claim(batchSize);
          if (claimed.length === 0) break;
          for (const grant of claimed) {
            if (!isEnded()) await takeTurn();
            if (isEnded()) await grants.releaseLease(grant.id, owner);
            else start(grant, owner);
          }
        }
      }
    } finally {
      await Promise.all(running);
    }
    if (defects.length > 0) throw defects[0];
    if (result.refreshed + result.lost + result.failed > 0) logger.info(result, 'sweep done');
    return result;
  }

  return {
    sweep,
    async run(signal) {
      while (!signal.aborted) {
        try {
          await sweep(signal);
          await clock.sleep(Math.round(pauseMs * (0.75 + random.fraction() / 2)), signal);
        } catch (error) {
          if (isAborted(signal)) return;
          logger.error({ err: error }, 'sweep failed; the next one goes on');
          await clock.sleep(pauseMs, signal).catch(() => undefined);
        }
      }
    },
    ratePerSec: options.ratePerSec ?? mostPerSec,
    forecast: () => grants.forecast(clientId, clock.now() + 3_600_000),
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
    ? `${line}: more than the ${ratePerSec}/s of one process, the rest is refreshed when it is called`
    : line;
}

/** Asked anew each time: TypeScript would remember the answer across an `await`. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
