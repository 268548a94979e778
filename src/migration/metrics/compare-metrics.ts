import type { MetricVerdict } from '../../model/metric-record.ts';
import type { Dependent, Metric, MetricSnapshot } from './metric.ts';

/** Events of a metric, by day, since traffic moved; absent where they could not be counted. */
export interface MetricCounts {
  readonly days: readonly { readonly day: string; readonly count: number }[];
  readonly total: number;
}

/** What became of one name. */
export interface NameComparison {
  readonly name: string;
  readonly verdict: MetricVerdict;
  /** In words, with what is not known said so. */
  readonly detail: string;
  readonly before: readonly Metric[];
  readonly after: readonly (Metric & { readonly counts: MetricCounts | undefined })[];
  /** Whether events of the name now go to another id than before. */
  readonly idChanged: boolean;
  /** Flows and segments that still hang on an id which no longer gets the events, or not all. */
  readonly affected: readonly Dependent[];
}

/** What became of a customer's metrics: the worst of its names decides. */
export interface MetricComparison {
  readonly verdict: MetricVerdict;
  readonly names: readonly NameComparison[];
}

const severity: readonly MetricVerdict[] = ['continuous', 'branded', 'missing', 'duplicated'];

/**
 * Compares the metrics that a key or an app sends, by their exact names: what was there before,
 * what is there now, and what still gets events.
 *
 * @param countsOf events since traffic moved; `undefined` where they could not be counted
 */
export function compareMetrics(
  before: MetricSnapshot,
  after: readonly Metric[],
  countsOf: (metric: Metric) => MetricCounts | undefined,
): MetricComparison {
  const now = after.filter(isOwn).map((metric) => ({ ...metric, counts: countsOf(metric) }));
  const earlier = before.metrics.filter(isOwn);
  const names = [...new Set([...earlier, ...now].map(({ name }) => name))].sort();
  const comparisons = names.map((name) => {
    const named = <Item extends Metric>(metrics: readonly Item[]) =>
      metrics.filter((metric) => metric.name === name);
    return compareName(name, named(earlier), named(now), before.dependents);
  });
  const worst = Math.max(0, ...comparisons.map(({ verdict }) => severity.indexOf(verdict)));
  return { verdict: severity[worst] ?? 'continuous', names: comparisons };
}

/** Names of which both a key and an app have a metric: only these need their events counted. */
export function isOwn({ source }: Metric): boolean {
  return source !== 'other';
}

function compareName(
  name: string,
  before: readonly Metric[],
  after: NameComparison['after'],
  dependents: readonly Dependent[],
): NameComparison {
  const { verdict, detail } = judge(before, after);
  const receiving = new Set(after.filter((each) => each.counts?.total !== 0).map(({ id }) => id));
  const idChanged =
    after.length > 0 && before.length > 0 && !before.some(({ id }) => receiving.has(id));
  const isAffected = verdict === 'duplicated' || verdict === 'missing' || idChanged;
  const ids = new Set(before.map(({ id }) => id));
  return {
    ...{ name, verdict, detail, before, after, idChanged },
    affected: isAffected ? dependents.filter(({ metricId }) => ids.has(metricId)) : [],
  };
}

function judge(
  before: readonly Metric[],
  after: NameComparison['after'],
): Pick<NameComparison, 'verdict' | 'detail'> {
  const byKey = after.filter(({ source }) => source === 'key');
  const byApp = after.filter(({ source }) => source === 'app');
  if (after.length === 0) {
    return { verdict: 'missing', detail: 'no metric has this name any more' };
  }
  if (byKey.length > 0 && byApp.length > 0) return judgePair(byKey, byApp);
  const [metric] = after;
  const ids = new Set(before.map(({ id }) => id));
  const kept = after.some(({ id }) => ids.has(id));
  if (byKey.length > 0) {
    const detail = kept || before.length === 0 ? 'the same metric as before' : 'under a new id';
    return { verdict: 'continuous', detail };
  }
  if (before.some(({ id, source }) => source === 'app' && ids.has(id)) && kept) {
    return { verdict: 'continuous', detail: `branded as ${metric?.integration ?? ''} before` };
  }
  const brand = `branded as ${metric?.integration ?? ''}`;
  if (before.length === 0) return { verdict: 'branded', detail: `${brand}; not there before` };
  return { verdict: 'branded', detail: kept ? `${brand}, id kept` : `${brand}, under a new id` };
}

function judgePair(
  byKey: NameComparison['after'],
  byApp: NameComparison['after'],
): Pick<NameComparison, 'verdict' | 'detail'> {
  const sum = (metrics: NameComparison['after']) =>
    metrics.reduce<number | undefined>(
      (total, { counts }) => (total === undefined || !counts ? undefined : total + counts.total),
      0,
    );
  const [key, app] = [sum(byKey), sum(byApp)];
  if (key === 0) {
    const detail = `the key's metric has been silent since traffic moved; events go to a new id`;
    return { verdict: 'branded', detail };
  }
  const detail =
    key === undefined
      ? 'two metrics with the same name; the events of each could not be counted'
      : `two metrics with the same name: ${key} events with the key and ${app ?? 'some'} with the app since traffic moved`;
  return { verdict: 'duplicated', detail };
}
