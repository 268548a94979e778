import type { Clock } from './clock.ts';
import type { Logger } from './logger.ts';
import type { Random } from './random.ts';

/** Work that is done again and again, for as long as its owner lets it. */
export interface Service {
  /** What the log calls it, as the subject of "… failed". */
  readonly name: string;
  /** Milliseconds from the end of a round to the start of the next, give or take a quarter. */
  readonly everyMs: number;
  /** The same after a round that failed; `everyMs` by default. */
  readonly afterFailureMs?: number;
  /**
   * Does the work once. The signal says that no further round follows: a long round ends at its
   * next step.
   *
   * @returns milliseconds until the next round, where they are not `everyMs`
   */
  round(signal: AbortSignal): Promise<number | undefined>;
}

/** What every service runs on. */
export interface ServiceRuntime {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Pick<Logger, 'error'>;
}

/**
 * Runs a service until the signal ends it: the one periodic loop of Keyshift. A round that fails
 * is logged, and the next one comes in its time. Resolves when the round under way has ended, and
 * never rejects.
 *
 * @example
 * ```ts
 * const stop = new AbortController();
 * const stopped = runService({ name: 'the purge', everyMs: 600_000, round: purge }, runtime, stop.signal);
 * stop.abort();
 * await stopped;
 * ```
 */
export async function runService(
  service: Service,
  { clock, random, logger }: ServiceRuntime,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    let pauseMs: number;
    try {
      pauseMs = (await service.round(signal)) ?? service.everyMs;
    } catch (error) {
      if (isAborted(signal)) return;
      logger.error({ err: error }, `${service.name} failed; the next round tries again`);
      pauseMs = service.afterFailureMs ?? service.everyMs;
    }
    // Processes that were started together would otherwise come to the same rows together.
    const jitteredMs = Math.round(pauseMs * (0.75 + random.fraction() / 2));
    await clock.sleep(jitteredMs, signal).catch(() => undefined);
  }
}

/** Asked anew each time: TypeScript would remember the answer across an `await`. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
