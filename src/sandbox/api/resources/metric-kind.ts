import type { Metric } from '../../state/metric.ts';
import { isoTime, linkedOnly } from '../json-api.ts';
import type { ResourceKind } from '../resource-kind.ts';
import { includeTriggered } from './flow-kind.ts';

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
  relationships: (_call, _metric, self) => linkedOnly(self, ['flow-triggers']),
  includes: { 'flow-triggers': includeTriggered('metrics') },
};
