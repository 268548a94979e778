import { z } from 'zod';
import type { ApiReply } from '../../context/api-error.ts';
import type { StoredResource } from '../../state/stored-resource.ts';
import type { ApiCall, ApiHandler, HandlerTable } from '../api-call.ts';
import { readWrite } from '../body.ts';
import { isoTime } from '../json-api.ts';
import { relationTo } from '../relation.ts';
import { identifierReply, itemReply, listReply, presentReply } from '../resource-kind.ts';
import {
  addStored,
  changeStored,
  collectionOf,
  storedOf,
  wrongId,
  type StoredKind,
} from '../stored-kind.ts';
import { identifierOf } from './bodies.ts';
import { customMetricKind } from './kept-kinds.ts';
import { metricKind } from './metric-kind.ts';
import { freeObject } from './profile-attributes.ts';

/*
 * What every account has from the start, and can only change: its tracking settings, and which
 * metrics stand for revenue and the like.
 */

const trackingKind: StoredKind = {
  type: 'tracking-setting',
  path: 'tracking-settings',
  attributes: (_, setting) => setting.attributes,
};

const parameter = (value: string) => ({
  flow: { type: 'dynamic', value },
  campaign: { type: 'dynamic', value },
});

/** The account's one tracking setting, whose id is the account's. */
function trackingOf(call: ApiCall): StoredResource {
  const { id } = call.caller.account;
  const found = collectionOf(call, trackingKind).get(id);
  if (found) return found;
  const attributes = {
    auto_add_parameters: false,
    utm_source: parameter('message_type'),
    utm_medium: parameter('message_type'),
    utm_campaign: parameter('message_name'),
    utm_id: parameter('message_id'),
    utm_term: null,
    custom_parameters: [],
  };
  return addStored(call, trackingKind, attributes, { id });
}

const tracking = freeObject.nullish();
const trackingBody = z.strictObject({
  data: z.strictObject({
    type: z.literal('tracking-setting'),
    id: z.string(),
    attributes: z.strictObject({
      auto_add_parameters: z.boolean().nullish(),
      utm_source: tracking,
      utm_medium: tracking,
      utm_campaign: tracking,
      utm_id: tracking,
      utm_term: tracking,
      custom_parameters: z.array(freeObject).nullish(),
    }),
  }),
});

/** Runs a handler for the setting in the path, or returns 404. */
function ofTracking(handler: (call: ApiCall, setting: StoredResource) => ApiReply): ApiHandler {
  return (call) => {
    const setting = trackingOf(call);
    const id = call.params['id'] ?? '';
    return id === setting.id ? handler(call, setting) : call.errors.notFound(trackingKind.type, id);
  };
}

const mappedIds = [
  'added_to_cart',
  'cancelled_sales',
  'ordered_product',
  'refunded_sales',
  'revenue',
  'started_checkout',
  'viewed_product',
];

const mappedKind: StoredKind = {
  type: 'mapped-metric',
  path: 'mapped-metrics',
  attributes: (_, { updatedMs }) => ({ updated: isoTime(updatedMs) }),
  relations: {
    metric: relationTo(() => metricKind, mappedMetric, { one: true, data: 'filled-only' }),
    'custom-metric': relationTo(() => customMetricKind, mappedCustom, {
      one: true,
      data: 'filled-only',
    }),
  },
};

function mappedMetric(call: ApiCall, { related }: StoredResource) {
  return call.resources.metrics.pick(related?.['metric']?.[0]);
}

function mappedCustom(call: ApiCall, { related }: StoredResource) {
  return storedOf(call, customMetricKind, related?.['custom-metric']);
}

function mappedOf(call: ApiCall): readonly StoredResource[] {
  const all = collectionOf(call, mappedKind);
  for (const id of mappedIds) if (!all.get(id)) addStored(call, mappedKind, {}, { id });
  return all.all();
}

/** Runs a handler for the mapped metric in the path; 400 for a name that there is not (recorded). */
function ofMapped(handler: (call: ApiCall, mapped: StoredResource) => ApiReply): ApiHandler {
  return (call) => {
    const id = call.params['id'] ?? '';
    const found = mappedOf(call).find((one) => one.id === id);
    if (found) return handler(call, found);
    const pointer = '/data/attributes/id';
    return call.errors.invalid(`'${id}' is not a valid choice for 'id'.`, { pointer });
  };
}

const mappedBody = z.strictObject({
  data: z.strictObject({
    type: z.literal('mapped-metric'),
    id: z.string(),
    relationships: z
      .strictObject({
        metric: z.strictObject({ data: identifierOf('metric').nullable() }).optional(),
        'custom-metric': z
          .strictObject({ data: identifierOf('custom-metric').nullable() })
          .optional(),
      })
      .optional(),
  }),
});

const updateMapped = ofMapped((call, mapped) => {
  const read = readWrite(call, mappedBody);
  if ('refusal' in read) return read.refusal;
  const { id, relationships = {} } = read.body.data;
  if (id !== mapped.id) return wrongId(call);
  const metric = relationships.metric?.data;
  const custom = relationships['custom-metric']?.data;
  if (metric && !call.resources.metrics.get(metric.id)) {
    return call.errors.notFound('metric', metric.id);
  }
  if (custom && !collectionOf(call, customMetricKind).get(custom.id)) {
    return call.errors.notFound('custom-metric', custom.id);
  }
  // One or the other: naming one takes the place of both (documented).
  const related = {
    ...(metric ? { metric: [metric.id] } : {}),
    ...(custom ? { 'custom-metric': [custom.id] } : {}),
  };
  return presentReply(
    call,
    read.query,
    mappedKind,
    changeStored(call, mappedKind, mapped, {}, related),
    200,
  );
});

export const accountSettingHandlers: HandlerTable = {
  get_tracking_settings: (call) => listReply(call, trackingKind, [trackingOf(call)]),
  get_tracking_setting: ofTracking((call, setting) => itemReply(call, trackingKind, setting)),
  update_tracking_setting: ofTracking((call, setting) => {
    const read = readWrite(call, trackingBody);
    if ('refusal' in read) return read.refusal;
    if (read.body.data.id !== setting.id) return wrongId(call);
    const changed = changeStored(call, trackingKind, setting, read.body.data.attributes);
    return presentReply(call, read.query, trackingKind, changed, 200);
  }),
  get_mapped_metrics: (call) => listReply(call, mappedKind, mappedOf(call)),
  get_mapped_metric: ofMapped((call, mapped) => itemReply(call, mappedKind, mapped)),
  update_mapped_metric: updateMapped,
  get_metric_for_mapped_metric: ofMapped((call, mapped) => {
    const [metric] = mappedMetric(call, mapped);
    return metric ? itemReply(call, metricKind, metric) : call.errors.notFound('metric', '');
  }),
  get_metric_id_for_mapped_metric: ofMapped((call, mapped) =>
    identifierReply(call, 'metric', mappedMetric(call, mapped)[0]?.id),
  ),
  get_custom_metric_for_mapped_metric: ofMapped((call, mapped) => {
    const [custom] = mappedCustom(call, mapped);
    return custom
      ? itemReply(call, customMetricKind, custom)
      : call.errors.notFound('custom-metric', '');
  }),
  get_custom_metric_id_for_mapped_metric: ofMapped((call, mapped) =>
    identifierReply(call, 'custom-metric', mappedCustom(call, mapped)[0]?.id),
  ),
};
