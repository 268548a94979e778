import { describe, expect, it } from 'vitest';
import { compareMetrics, type MetricCounts } from './compare-metrics.ts';
import type { Metric, MetricSnapshot, MetricSource } from './metric.ts';

const metric = (id: string, source: MetricSource, name = 'Placed Order'): Metric => ({
  ...{ id, name, source },
  integration: source === 'app' ? 'Shop App' : 'API',
});
const counted = (total: number): MetricCounts => ({
  days: [{ day: '2027-01-15', count: total }],
  total,
});
const snapshot = (...metrics: Metric[]): MetricSnapshot => ({
  metrics,
  dependents: [
    { kind: 'flow', id: 'F1', name: 'Thank you', metricId: 'K1' },
    { kind: 'segment', id: 'S1', name: 'Buyers', metricId: 'K9' },
  ],
  knows: { flows: true, segments: true },
});

function compare(before: Metric[], after: Metric[], totals: Readonly<Record<string, number>> = {}) {
  return compareMetrics(snapshot(...before), after, ({ id }) => {
    const total = totals[id];
    return total === undefined ? undefined : counted(total);
  });
}

describe('the comparison of metrics', () => {
  it('calls a metric continuous that kept its id and its source', () => {
    const { verdict, names } = compare([metric('K1', 'key')], [metric('K1', 'key')], { K1: 4 });
    expect(verdict).toBe('continuous');
    expect(names[0]).toMatchObject({ idChanged: false, affected: [] });
  });

  it('calls it branded when the app took the same metric over', () => {
    const { names } = compare([metric('K1', 'key')], [metric('K1', 'app')], { K1: 4 });
    expect(names[0]).toMatchObject({
      ...{ verdict: 'branded', detail: 'branded as Shop App, id kept', idChanged: false },
      affected: [],
    });
  });

  it('calls two of one name duplicated while both get events, and names what hangs on the old one', () => {
    const after = [metric('K1', 'key'), metric('A1', 'app')];
    const { verdict, names } = compare([metric('K1', 'key')], after, { K1: 2, A1: 3 });
    expect(verdict).toBe('duplicated');
    expect(names[0]).toMatchObject({
      detail:
        'two metrics with the same name: 2 events with the key and 3 with the app since traffic moved',
      affected: [{ kind: 'flow', name: 'Thank you' }],
    });
  });

  it('calls them branded once the key is silent, and says that the id is another', () => {
    const after = [metric('K1', 'key'), metric('A1', 'app')];
    const { verdict, names } = compare([metric('K1', 'key')], after, { K1: 0, A1: 3 });
    expect(verdict).toBe('branded');
    expect(names[0]).toMatchObject({ idChanged: true, affected: [{ id: 'F1' }] });
  });

  it('does not guess when events cannot be counted', () => {
    const after = [metric('K1', 'key'), metric('A1', 'app')];
    const { names } = compare([metric('K1', 'key')], after);
    expect(names[0]).toMatchObject({ verdict: 'duplicated' });
    expect(names[0]?.detail).toContain('could not be counted');
  });

  it('finds duplicates that no snapshot knew of, and names that are gone', () => {
    const after = [metric('K2', 'key', 'Viewed'), metric('A2', 'app', 'Viewed')];
    const { verdict, names } = compare([metric('K9', 'key', 'Gone')], after, { K2: 1, A2: 1 });
    expect(verdict).toBe('duplicated');
    expect(names.map(({ name, verdict: each }) => [name, each])).toEqual([
      ['Gone', 'missing'],
      ['Viewed', 'duplicated'],
    ]);
    expect(names[0]?.affected).toMatchObject([{ kind: 'segment', name: 'Buyers' }]);
  });

  it('tells names by every character, and leaves other integrations alone', () => {
    const before = [metric('K1', 'key'), metric('O1', 'other', 'Opened Email')];
    const { names } = compare(before, [metric('K1', 'key', 'placed order')]);
    expect(names.map(({ name, verdict }) => [name, verdict])).toEqual([
      ['Placed Order', 'missing'],
      ['placed order', 'continuous'],
    ]);
  });

  it('is continuous where there is nothing to compare', () => {
    expect(compare([], [])).toEqual({ verdict: 'continuous', names: [] });
  });
});
