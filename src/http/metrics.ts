import { Counter, Gauge, Registry } from 'prom-client';
import type { KeyshiftParts } from '../core/create-keyshift.ts';
import { registerTraffic } from './traffic-metrics.ts';

/** What the figures are read from. */
export type MetricsParts = Pick<
  KeyshiftParts,
  'store' | 'tokens' | 'sweeper' | 'traffic' | 'consents'
>;

/**
 * The figures of one server for Prometheus: connections by stage, grants and what is due, and
 * refreshes by how they ended. Nothing in them names a customer.
 */
export function createMetrics({
  store,
  tokens,
  sweeper,
  traffic,
  consents,
}: MetricsParts): Registry {
  const registry = new Registry();
  new Gauge({
    name: 'keyshift_connections',
    help: 'Connections by stage and route',
    labelNames: ['stage', 'reason', 'route'],
    registers: [registry],
    async collect() {
      this.reset();
      for (const {
        stage,
        attentionReason,
        route,
        count,
      } of await store.connections.countByStage()) {
        this.set({ stage, reason: attentionReason ?? '', route }, count);
      }
    },
  });
  new Gauge({
    name: 'keyshift_grants',
    help: 'Active grants, and those due within the hour',
    labelNames: ['when'],
    registers: [registry],
    async collect() {
      const { grants, due } = await sweeper.forecast();
      this.set({ when: 'active' }, grants);
      this.set({ when: 'due' }, due);
    },
  });
  new Counter({
    name: 'keyshift_refreshes_total',
    help: 'Refreshes by this process, by outcome',
    labelNames: ['outcome'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [outcome, count] of Object.entries(tokens.counters.read())) {
        this.inc({ outcome }, count);
      }
    },
  });
  new Counter({
    name: 'keyshift_consents_total',
    help: 'Consents by this process, by outcome: completed, or the reason why not',
    labelNames: ['outcome'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [outcome, count] of consents.counts) this.inc({ outcome }, count);
    },
  });
  registerTraffic(registry, traffic.meter.figures);
  return registry;
}
