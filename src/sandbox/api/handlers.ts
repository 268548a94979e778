import type { ApiHandler } from './api-call.ts';
import { accountHandlers } from './resources/accounts.ts';
import { eventHandlers } from './resources/events.ts';
import { metricHandlers } from './resources/metrics.ts';
import { profileHandlers } from './resources/profiles.ts';

/** What the sandbox implements, by Klaviyo's operation id. Everything else answers 501. */
export const handlers: ReadonlyMap<string, ApiHandler> = new Map(
  [accountHandlers, profileHandlers, metricHandlers, eventHandlers].flatMap((table) =>
    Object.entries(table),
  ),
);
