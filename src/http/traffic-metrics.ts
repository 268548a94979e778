import { Counter, type Metric, type MetricObjectWithValues, type MetricValue } from 'prom-client';
import type { Registry } from 'prom-client';
import { latencyBoundsMs, type RouteFigure, type RouteFigures } from '../calls/route-figures.ts';

/** Registers what was sent to Klaviyo: by operation, route and status, with its latency. */
export function registerTraffic(registry: Registry, figures: RouteFigures): void {
  registry.registerMetric(createLatencyHistogram(figures));
  new Counter({
    name: 'keyshift_fall_backs_total',
    help: 'Calls of connections on OAuth that fell back to the key, by reason',
    labelNames: ['reason'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [reason, count] of figures.fallBacks()) this.inc({ reason }, count);
    },
  });
}

const name = 'keyshift_klaviyo_call_seconds';

/** The counters are kept by the hot path in a form of its own, and put into Prometheus' here. */
function createLatencyHistogram(figures: RouteFigures): Metric {
  const histogram = {
    name,
    get: () =>
      Promise.resolve({
        name,
        help: 'Calls to Klaviyo by operation, route and status: seconds until the response headers',
        type: 'histogram',
        aggregator: 'sum',
        values: [...figures.list()].flatMap(toValues),
      } as unknown as MetricObjectWithValues<MetricValue<string>>),
    reset: () => undefined,
  };
  return histogram as unknown as Metric;
}

function toValues({ operation, route, status, calls, totalMs, byLatency }: RouteFigure) {
  const labels = { operation, route, status };
  let cumulated = 0;
  const buckets = [...byLatency].map((count, at) => {
    cumulated += count;
    const bound = latencyBoundsMs[at];
    const le = bound === undefined ? '+Inf' : bound / 1000;
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: cumulated };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: totalMs / 1000 },
    { metricName: `${name}_count`, labels, value: calls },
  ];
}
