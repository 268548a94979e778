import { playDay } from './play-day.ts';
import { makeReport, type RehearsalReport } from './rehearsal-report.ts';
import type { RehearsalSettings } from './rehearsal-settings.ts';
import { openStageSet } from './stage-set.ts';

/** What {@link runRehearsal} is told besides its settings. */
export interface RehearsalOptions {
  /** Where the rehearsal keeps everything; what is there already goes on. */
  readonly folder: string;
  /** Ends it after the step under way; it can go on later. */
  readonly signal: AbortSignal;
  readonly onDay?: (daysDone: number) => void;
}

/**
 * Plays a campaign from its first day to its last against an embedded sandbox, through the same
 * services, pages and handlers that serve real customers.
 *
 * @returns the report; `undefined` when the signal ended it early
 */
export async function runRehearsal(
  settings: RehearsalSettings,
  { folder, signal, onDay }: RehearsalOptions,
): Promise<RehearsalReport | undefined> {
  const set = await openStageSet(folder, settings);
  try {
    let { day, hour } = set.world.progress();
    for (; day < settings.days && !signal.aborted; day += 1, hour = 0) {
      onDay?.(day);
      await playDay(set, day, hour, signal);
    }
    return signal.aborted ? undefined : await makeReport(set);
  } finally {
    await set.close();
  }
}
