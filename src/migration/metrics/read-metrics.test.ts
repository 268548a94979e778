import { describe, expect, it } from 'vitest';
import { readDependents, readMetrics, type AccountReader } from './read-metrics.ts';

/** Reads an account that answers every path below with a body, and no other. */
function readerOf(bodies: Readonly<Record<string, unknown>>): AccountReader {
  const callApi = (_source: unknown, target: string) =>
    Promise.resolve({
      orThrow: () => Promise.resolve({ json: () => Promise.resolve(bodies[target]) }),
    });
  return { callApi, source: {} } as never;
}

const placed = {
  type: 'metric',
  id: 'AbC123',
  attributes: { name: 'Placed Order', created: '2026-01-01T00:00:00+00:00', integration: null },
};

describe('what hangs on the metrics', () => {
  it('is left out, and said to be unknown, where the answer has another form', async () => {
    const reader = readerOf({
      '/api/metrics': { data: [placed] },
      '/api/metrics/AbC123/flow-triggers': { data: null },
      '/api/segments': { data: [{ id: 'S1', attributes: { name: 'VIP', uses: 'AbC123' } }] },
    });
    const metrics = await readMetrics(reader);
    expect(await readDependents(reader, metrics)).toEqual({
      dependents: [{ kind: 'segment', id: 'S1', name: 'VIP', metricId: 'AbC123' }],
      knows: { flows: false, segments: true },
    });
  });
});

describe('the metrics themselves', () => {
  it('are refused in another form', async () => {
    const metrics = readMetrics(readerOf({ '/api/metrics': { data: null } }));
    await expect(metrics).rejects.toMatchObject({ code: 'upstream_unreadable' });
  });
});
