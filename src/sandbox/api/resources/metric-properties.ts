import { stableShortId } from '../../ids.ts';
import type { JsonValue } from '../../state/json.ts';
import type { Metric } from '../../state/metric.ts';
import type { ApiCall, ApiHandler, HandlerTable } from '../api-call.ts';
import { relationTo } from '../relation.ts';
import {
  identifierReply,
  identifiersReply,
  itemReply,
  listReply,
  type ResourceKind,
} from '../resource-kind.ts';
import { metricKind } from './metric-kind.ts';

/** A property that events of a metric have. */
interface MetricProperty {
  readonly id: string;
  readonly seq: number;
  readonly metric: Metric;
  readonly name: string;
  readonly value: JsonValue;
}

/** Klaviyo collects samples of values later: none where one is read, null in lists (recorded). */
const propertyKind: ResourceKind<MetricProperty> = {
  type: 'metric-property',
  path: 'metric-properties',
  attributes: (_, { name, value }) => ({
    label: name,
    property: name,
    inferred_type: inferredType(value),
  }),
  additional: {
    sample_values: ({ operation }) => (operation.id === 'get_metric_property' ? [] : null),
  },
  relations: {
    metric: relationTo(
      () => metricKind,
      (_, { metric }) => [metric],
      { one: true, data: 'always' },
    ),
  },
};

function inferredType(value: JsonValue): string {
  if (Array.isArray(value)) return 'list';
  if (typeof value === 'number') return 'numeric';
  if (typeof value === 'boolean') return 'boolean';
  return typeof value === 'string' && /^\d{4}-\d{2}-\d{2}/.test(value) ? 'date' : 'string';
}

/** The properties of a metric's events, by the latest value of each. Their ids are made up. */
function propertiesOf(call: ApiCall, metric: Metric): MetricProperty[] {
  const values = new Map<string, JsonValue>();
  for (const event of call.resources.events.all()) {
    if (event.metricId !== metric.id) continue;
    for (const [name, value] of Object.entries(event.properties)) values.set(name, value);
  }
  return [...values].map(([name, value], index) => ({
    id: `${metric.id}-${stableShortId(`${metric.id}:${name}`)}`,
    seq: index + 1,
    metric,
    name,
    value,
  }));
}

function propertiesOfMetric(reply: typeof listReply<MetricProperty>): ApiHandler {
  return (call) => {
    const metric = call.resources.metrics.get(call.params['id'] ?? '');
    return metric
      ? reply(call, propertyKind, propertiesOf(call, metric))
      : call.errors.notFound('metric', call.params['id'] ?? '');
  };
}

function ofProperty(
  answer: (call: ApiCall, property: MetricProperty) => ReturnType<ApiHandler>,
): ApiHandler {
  return (call) => {
    const id = call.params['id'] ?? '';
    const metric = call.resources.metrics.get(id.split('-', 1)[0] ?? '');
    const found = metric && propertiesOf(call, metric).find((property) => property.id === id);
    return found ? answer(call, found) : call.errors.notFound('metric-property', id);
  };
}

export const metricPropertyHandlers: HandlerTable = {
  get_properties_for_metric: propertiesOfMetric(listReply),
  get_property_ids_for_metric: propertiesOfMetric(identifiersReply),
  get_metric_property: ofProperty((call, property) => itemReply(call, propertyKind, property)),
  get_metric_for_metric_property: ofProperty((call, { metric }) =>
    itemReply(call, metricKind, metric),
  ),
  get_metric_id_for_metric_property: ofProperty((call, { metric }) =>
    identifierReply(call, 'metric', metric.id),
  ),
};
