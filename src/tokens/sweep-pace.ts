import type { Clock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import type { Store } from '../store/store.ts';

/** What {@link createSweepPace} works with. */
export interface SweepPaceOptions {
  readonly store: Pick<Store, 'grants' | 'sweepTurns'>;
  readonly clientId: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Starts a second, by all processes together; by default what {@link sweepRatePerSec} says. */
  readonly ratePerSec?: number | undefined;
}

/**
 * When a sweeper may start refreshes. The processes that share a database take turns, a batch
 * each, so that all of them together keep to one rate.
 */
export interface SweepPace {
  /**
   * Takes the next turn for a batch of `size`. Returns until when it has it, or `undefined` when
   * `isEnded` came first. `signal` ends the waiting.
   */
  takeTurn(size: number, isEnded: () => boolean, signal?: AbortSignal): Promise<number | undefined>;
  /** Gives back what is left of a turn that only so many refreshes are there for. */
  shortenTurn(endsAtMs: number, starts: number): Promise<void>;
  /** Resolves when the next refresh of the batch may start. */
  nextStart(): Promise<void>;
}

/** The most refreshes started a second, by all processes together. */
export const mostPerSec = 200;
const leastPerSec = 20;
/** For tokens whose lives are longer than it looks ahead, and for refreshes that fail at first. */
const headRoom = 1.25;
/** The rate is found for what falls due in this time, and found anew ten times in it. */
const lookAheadMs = 600_000;
/** A turn is a second at most: one that ends much later was taken by a clock that is wrong. */
const longestTurnMs = 60_000;

/**
 * Refreshes a second that keep up with what falls due, with a quarter to spare: at least 20, so
 * that a few grants do not wait for each other, and at most 200, so that a day on which everything
 * is due is no flood at Klaviyo.
 *
 * @param due grants that are due now or fall due within `withinMs`
 */
export function sweepRatePerSec(due: number, withinMs: number): number {
  const neededPerSec = (due * headRoom * 1000) / withinMs;
  return Math.min(mostPerSec, Math.max(leastPerSec, Math.ceil(neededPerSec)));
}

/** Creates the pace of one sweeper. */
export function createSweepPace(options: SweepPaceOptions): SweepPace {
  const { clientId, clock, random } = options;
  const { grants, sweepTurns } = options.store;
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

  /** Whole milliseconds, since PostgreSQL stores no others. */
  const spanMs = (starts: number) => Math.floor((starts * 1000) / ratePerSec);

  return {
    async takeTurn(size, isEnded, signal) {
      while (!isEnded()) {
        await followForecast();
        const nowMs = clock.now();
        const untilMs = nowMs + spanMs(size);
        const ignoreAfterMs = untilMs + longestTurnMs;
        const turn = await sweepTurns.take(clientId, { nowMs, untilMs, ignoreAfterMs });
        if (turn.taken) return untilMs;
        const pauseMs = Math.max(1, turn.endsAtMs - nowMs) * (1 + random.fraction() / 10);
        // Ended while it waits: the loop sees it.
        await clock.sleep(Math.ceil(pauseMs), signal).catch(() => undefined);
      }
      return undefined;
    },
    shortenTurn: (endsAtMs, starts) =>
      sweepTurns.shorten(clientId, endsAtMs, clock.now() + spanMs(starts)),
    async nextStart() {
      const nowMs = clock.now();
      const startMs = Math.max(nowMs, nextStartMs);
      nextStartMs = startMs + 1000 / ratePerSec;
      // A timer is never shorter than a millisecond: below that a pause would be the limit.
      if (startMs - nowMs >= 1) await clock.sleep(startMs - nowMs);
    },
  };
}
