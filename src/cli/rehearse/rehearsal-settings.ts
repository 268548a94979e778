/** What a company tries out before its customers see it. */
export interface RehearsalSettings {
  readonly customers: number;
  /** Another number: other shops, other people. */
  readonly seed: number;
  /** Days that the campaign lasts. */
  readonly days: number;
  /** Shares of the customers that are invited together, in percent; they add up to 100. */
  readonly waves: readonly number[];
  /** Days between two waves. */
  readonly waveDays: number;
  /** Days after the invitation, and after each reminder, on which a customer is reminded. */
  readonly reminderDays: number;
  /** Most reminders of one invitation. */
  readonly reminders: number;
  /** Days that an invitation is valid. */
  readonly validDays: number;
  /** Days without key traffic before a key is destroyed. */
  readonly quietDays: number;
  /** Share of the calls that goes by OAuth before all do, in percent; 0 for no canary. */
  readonly canaryPercent: number;
  /** Days that a canary lasts. */
  readonly canaryDays: number;
}

export const defaultSettings: RehearsalSettings = {
  customers: 1_000,
  seed: 7,
  days: 45,
  waves: [10, 30, 60],
  waveDays: 7,
  reminderDays: 7,
  reminders: 2,
  validDays: 30,
  quietDays: 7,
  canaryPercent: 10,
  canaryDays: 1,
};

export const dayMs = 86_400_000;
export const hourMs = 3_600_000;

/** The first day of every rehearsal, a Monday, at midnight UTC. */
export const firstDayMs = Date.UTC(2026, 0, 5);

/** The day of a moment, counted from the first. */
export function dayOf(atMs: number): number {
  return Math.floor((atMs - firstDayMs) / dayMs);
}

/** The wave of a customer, by its place among all. */
export function waveOf(settings: RehearsalSettings, index: number): number {
  let before = 0;
  for (const [wave, share] of settings.waves.entries()) {
    before += share;
    if (index < Math.round((settings.customers * before) / 100)) return wave;
  }
  return settings.waves.length - 1;
}
