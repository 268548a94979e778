import type { Metric } from '../../state/metric.ts';
import { isoTime } from '../json-api.ts';
import type { ResourceKind } from '../resource-kind.ts';
import { flowTriggers } from './flow-kind.ts';

/** How metrics are shown. */
export const metricKind: ResourceKind<Metric> = {
  type: 'metric',
  path: 'metrics',
  attributes: (_, metric) => ({
    name: metric.name,
    created: isoTime(metric.createdMs),
    updated: isoTime(metric.updatedMs),
    integration: { ...metric.integration },
  }),
  values: { 'integration.category': () => null },
  relations: { 'flow-triggers': flowTriggers('metrics') },
};
