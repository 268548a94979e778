import type { Workbench } from './workbench.ts';

const everyMs = 10 * 60_000;
/** Expired attempts are kept for a day, so that a late callback is told what happened. */
const keptMs = 24 * 3_600_000;

/** Counts of calls are kept for half a year: longer than a migration takes. */
const trafficKeptMs = 180 * 24 * 3_600_000;

/** Deletes what has had its time, every ten minutes, until the signal ends it. */
export async function keepHouse(
  { store, clock, logger }: Pick<Workbench, 'store' | 'clock' | 'logger'>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await store.authorizations.purge(clock.now() - keptMs);
      await store.traffic.purge(clock.now() - trafficKeptMs);
      await store.keySightings.purge(clock.now() - trafficKeptMs);
    } catch (error) {
      logger.error(
        { err: error },
        'what has had its time could not be deleted; the next round tries again',
      );
    }
    await clock.sleep(everyMs, signal).catch(() => undefined);
  }
}
