import type { Metric } from '../state/records.ts';
import type { ApiCall, ApiHandler } from './api-call.ts';
import { dataReply, isoTime, selfLink, type Resource } from './json-api.ts';
import { readPage, refuseQuery } from './query.ts';

/** `GET /api/metrics`: 200 a page; Klaviyo takes no `page[size]` here. */
export const getMetrics: ApiHandler = (call) => {
  const read = readPage(call, call.resources.metrics, { defaultSize: 200, maxSize: undefined });
  if ('refusal' in read) return read.refusal;
  const { items, links } = read.page;
  return dataReply(
    200,
    items.map((metric) => metricResource(call, metric)),
    links,
  );
};

/** `GET /api/metrics/{id}` */
export const getMetric: ApiHandler = (call) => {
  const metric = call.resources.metrics.get(call.params['id'] ?? '');
  if (!metric) return call.errors.notFound('metric', call.params['id'] ?? '');
  return refuseQuery(call) ?? dataReply(200, metricResource(call, metric));
};

function metricResource(call: ApiCall, metric: Metric): Resource {
  const self = selfLink(call, 'metrics', metric.id);
  return {
    type: 'metric',
    id: metric.id,
    attributes: {
      name: metric.name,
      created: isoTime(metric.createdMs),
      updated: isoTime(metric.updatedMs),
      integration: { ...metric.integration },
    },
    relationships: {
      'flow-triggers': {
        links: {
          self: `${self}relationships/flow-triggers/`,
          related: `${self}flow-triggers/`,
        },
      },
    },
    links: { self },
  };
}
