import type { ApiHandler } from './api-call.ts';
import { accountHandlers } from './resources/accounts.ts';
import { apiKeyHandlers } from './resources/api-keys.ts';
import { catalogJobHandlers } from './resources/catalog-jobs.ts';
import { catalogHandlers } from './resources/catalog.ts';
import { clientHandlers } from './resources/client.ts';
import { couponHandlers } from './resources/coupons.ts';
import { eventHandlers } from './resources/events.ts';
import { flowHandlers } from './resources/flows.ts';
import { listHandlers } from './resources/lists.ts';
import { aggregateHandlers } from './resources/metric-aggregates.ts';
import { metricHandlers } from './resources/metrics.ts';
import { profileEndHandlers } from './resources/profile-ends.ts';
import { profileGroupHandlers } from './resources/profile-groups.ts';
import { profileImportHandlers } from './resources/profile-import-jobs.ts';
import { profileHandlers } from './resources/profiles.ts';
import { segmentHandlers } from './resources/segments.ts';
import { subscriptionHandlers } from './resources/subscriptions.ts';
import { suppressionHandlers } from './resources/suppressions.ts';
import { tagGroupHandlers } from './resources/tag-groups.ts';
import { tagHandlers } from './resources/tags.ts';
import { templateHandlers } from './resources/templates.ts';
import { webhookHandlers } from './resources/webhooks.ts';
import { sampleHandlers } from './samples/sample-handlers.ts';

/** What the sandbox answers, from its state or by a sample, by Klaviyo's operation id. Everything else answers 501. */
export const handlers: ReadonlyMap<string, ApiHandler> = new Map(
  [
    accountHandlers,
    profileHandlers,
    metricHandlers,
    eventHandlers,
    listHandlers,
    segmentHandlers,
    tagHandlers,
    tagGroupHandlers,
    flowHandlers,
    templateHandlers,
    webhookHandlers,
    catalogHandlers,
    profileGroupHandlers,
    apiKeyHandlers,
    profileImportHandlers,
    subscriptionHandlers,
    suppressionHandlers,
    clientHandlers,
    sampleHandlers,
    catalogJobHandlers,
    couponHandlers,
    profileEndHandlers,
    aggregateHandlers,
  ].flatMap((table) => Object.entries(table)),
);
