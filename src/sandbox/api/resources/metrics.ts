import type { ApiHandler, HandlerTable } from '../api-call.ts';
import { itemReply, listReply } from '../resource-kind.ts';
import { metricKind } from './metric-kind.ts';

/** `GET /api/metrics`: 200 a page; Klaviyo takes no `page[size]` here. */
const getMetrics: ApiHandler = (call) => listReply(call, metricKind, call.resources.metrics.all());

const getMetric: ApiHandler = (call) => {
  const metric = call.resources.metrics.get(call.params['id'] ?? '');
  if (!metric) return call.errors.notFound('metric', call.params['id'] ?? '');
  return itemReply(call, metricKind, metric);
};

export const metricHandlers: HandlerTable = {
  get_metrics: getMetrics,
  get_metric: getMetric,
};
