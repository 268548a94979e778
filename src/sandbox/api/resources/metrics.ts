import type { ApiHandler, HandlerTable } from '../api-call.ts';
import { identifiersReply, itemReply, listReply } from '../resource-kind.ts';
import { flowKind, flowsTriggeredBy } from './flow-kind.ts';
import { metricKind } from './metric-kind.ts';

/**
 * `GET /api/metrics`: 200 a page; Klaviyo takes no `page[size]` here. A filter by the integration's
 * category matches nothing (recorded).
 */
const getMetrics: ApiHandler = (call) => listReply(call, metricKind, call.resources.metrics.all());

const getMetric: ApiHandler = (call) => {
  const metric = call.resources.metrics.get(call.params['id'] ?? '');
  if (!metric) return call.errors.notFound('metric', call.params['id'] ?? '');
  return itemReply(call, metricKind, metric);
};

/** Answers by the flows that the metric in the path starts. */
function triggeredFlows(reply: typeof listReply): ApiHandler {
  return (call) => {
    const metric = call.resources.metrics.get(call.params['id'] ?? '');
    if (!metric) return call.errors.notFound('metric', call.params['id'] ?? '');
    return reply(call, flowKind, flowsTriggeredBy(call, 'metrics', metric.id), { include: [] });
  };
}

export const metricHandlers: HandlerTable = {
  get_metrics: getMetrics,
  get_metric: getMetric,
  get_flows_triggered_by_metric: triggeredFlows(listReply),
  get_ids_for_flows_triggered_by_metric: triggeredFlows(identifiersReply),
};
