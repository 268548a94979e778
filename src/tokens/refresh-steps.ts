/**
 * The steps of a refresh, in order, as the crash suite knows them: after any of them the process
 * may die, and no customer may be lost for it.
 */
export const refreshSteps = [
  'before_intent',
  'after_intent',
  'request_sent',
  'reply_received',
  'before_save',
  'after_save',
  'before_release',
] as const;
export type RefreshStep = (typeof refreshSteps)[number];

/** Told of every step as it is reached. */
export type OnRefreshStep = (step: RefreshStep) => void;
