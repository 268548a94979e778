import type { ApiHandler, HandlerTable } from './api-call.ts';
import { accountHandlers } from './resources/accounts.ts';
import { apiKeyHandlers } from './resources/api-keys.ts';
import { campaignHandlers } from './resources/campaigns.ts';
import { applicationHandlers } from './resources/applications.ts';
import { catalogJobHandlers } from './resources/catalog-jobs.ts';
import { catalogHandlers } from './resources/catalog.ts';
import { clientHandlers } from './resources/client.ts';
import { couponHandlers } from './resources/coupons.ts';
import { eventHandlers } from './resources/events.ts';
import { refusedByPlan, takenHandlers } from './resources/entitled.ts';
import { flowHandlers, seededFlows } from './resources/flows.ts';
import { formHandlers } from './resources/forms.ts';
import { keptHandlers } from './resources/kept-kinds.ts';
import { listHandlers, seededLists } from './resources/lists.ts';
import { aggregateHandlers } from './resources/metric-aggregates.ts';
import { accountSettingHandlers } from './resources/account-settings.ts';
import { metricPropertyHandlers } from './resources/metric-properties.ts';
import { metricHandlers } from './resources/metrics.ts';
import { profileEndHandlers } from './resources/profile-ends.ts';
import { profileGroupHandlers } from './resources/profile-groups.ts';
import { profileImportHandlers } from './resources/profile-import-jobs.ts';
import { profileHandlers } from './resources/profiles.ts';
import { reportHandlers } from './resources/reports.ts';
import { segmentHandlers, seededSegments } from './resources/segments.ts';
import { subscriptionHandlers } from './resources/subscriptions.ts';
import { suppressionHandlers } from './resources/suppressions.ts';
import { tagGroupHandlers } from './resources/tag-groups.ts';
import { tagHandlers } from './resources/tags.ts';
import { templateHandlers, seededTemplates } from './resources/templates.ts';
import { webhookHandlers } from './resources/webhooks.ts';
import { sampleHandlers } from './samples/sample-handlers.ts';
import type { SeededKind } from './seeded-kind.ts';

/**
 * Every kind of resource that the sandbox keeps. A new kind is a file in `resources` and a line
 * here: its operations, coverage and snapshots follow from its handlers, the seed from
 * {@link seededKinds}.
 */
const stateful: readonly HandlerTable[] = [
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
  applicationHandlers,
  profileImportHandlers,
  subscriptionHandlers,
  suppressionHandlers,
  clientHandlers,
  catalogJobHandlers,
  couponHandlers,
  profileEndHandlers,
  aggregateHandlers,
  campaignHandlers,
  keptHandlers,
  formHandlers,
  reportHandlers,
  accountSettingHandlers,
  metricPropertyHandlers,
  takenHandlers,
];

/** Kinds that a seed can give an account, under their names in the seed. */
export const seededKinds = {
  lists: seededLists,
  segments: seededSegments,
  flows: seededFlows,
  templates: seededTemplates,
} as const satisfies Record<string, SeededKind>;

const statefulHandlers = new Map(stateful.flatMap((table) => Object.entries(table)));

/**
 * What the sandbox answers, from its state or by a sample, by Klaviyo's operation id. Everything
 * else answers 501.
 */
export const handlers: ReadonlyMap<string, ApiHandler> = new Map([
  ...Object.entries(sampleHandlers),
  ...Object.entries(refusedByPlan),
  ...statefulHandlers,
]);

/**
 * How the sandbox answers an operation: from its own state, with sample data that is marked as
 * such, or 501.
 */
export type Coverage = 'stateful' | 'sample' | '501';

/** How the sandbox answers the operation with this id. */
export function coverageOf(operationId: string): Coverage {
  if (statefulHandlers.has(operationId)) return 'stateful';
  return Object.hasOwn(sampleHandlers, operationId) ? 'sample' : '501';
}
