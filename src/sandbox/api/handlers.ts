import { getAccount, getAccounts } from './accounts.ts';
import type { ApiHandler } from './api-call.ts';
import { createEvent, getEvent, getEvents } from './events.ts';
import { getMetric, getMetrics } from './metrics.ts';
import { createProfile, getProfile, getProfiles, updateProfile } from './profiles.ts';

/** What the sandbox implements, by Klaviyo's operation id. Everything else answers 501. */
export const handlers: ReadonlyMap<string, ApiHandler> = new Map([
  ['get_accounts', getAccounts],
  ['get_account', getAccount],
  ['get_profiles', getProfiles],
  ['create_profile', createProfile],
  ['get_profile', getProfile],
  ['update_profile', updateProfile],
  ['get_metrics', getMetrics],
  ['get_metric', getMetric],
  ['create_event', createEvent],
  ['get_events', getEvents],
  ['get_event', getEvent],
]);
