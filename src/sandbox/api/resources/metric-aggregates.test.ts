import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestSandbox, type TestSandbox } from '../../../../test/support/sandbox-client.ts';
import { createTimeBuckets } from './time-buckets.ts';

let test: TestSandbox;
let metricId: string;
beforeEach(async () => {
  test = await startTestSandbox();
  await send('ada@alpha.example', '2026-11-01T10:30:00Z', { value: 5, value_currency: 'USD' });
  await send('kim@alpha.example', '2026-11-01T23:30:00Z', { value: 7, value_currency: 'EUR' });
  await send('ada@alpha.example', '2026-11-03T10:00:00Z', { value: 1.5, value_currency: 'USD' });
  await send('ada@alpha.example', '2026-11-03T11:00:00Z');
  await send('ada@alpha.example', '2026-11-04T00:00:00Z', { value: 100 });
  const metrics = (await test.get('/api/metrics')).at('data') as {
    id: string;
    attributes: { name: string };
  }[];
  metricId = metrics.find(({ attributes }) => attributes.name === 'Placed Order')?.id ?? '';
});
afterEach(() => test.sandbox.close());

async function send(email: string, time: string, more: object = {}) {
  const attributes = {
    properties: {},
    time,
    metric: { data: { type: 'metric', attributes: { name: 'Placed Order' } } },
    profile: { data: { type: 'profile', attributes: { email } } },
    ...more,
  };
  await test.post('/api/events', { data: { type: 'event', attributes } });
}
const range = (from = '2026-11-01T00:00:00', to = '2026-11-04T00:00:00') => [
  `greater-or-equal(datetime,${from})`,
  `less-than(datetime,${to})`,
];
const query = (attributes: object = {}) =>
  test.post('/api/metric-aggregates', {
    data: {
      type: 'metric-aggregate',
      attributes: { metric_id: metricId, measurements: ['count'], filter: range(), ...attributes },
    },
  });

describe('POST /api/metric-aggregates', () => {
  it.each([
    ['no range', { filter: ['equals(URL,"x")'] }, 400],
    [
      'a range that ends before it begins',
      { filter: range('2026-11-04T00:00:00', '2026-11-01T00:00:00') },
      400,
    ],
    ['more than a year', { filter: range('2024-01-01T00:00:00') }, 400],
    ['a filter that is none', { filter: [...range(), 'equals(URL'] }, 400],
    ['a filter by what is no dimension', { filter: [...range(), 'equals(colour,"red")'] }, 400],
    ['no measurement', { measurements: [] }, 400],
    ['another measurement', { measurements: ['average'] }, 400],
    ['another interval', { interval: 'year' }, 400],
    ['a split by what is no dimension', { by: ['colour'] }, 400],
    ['a timezone of nobody', { timezone: 'Mars/Olympus' }, 400],
    ['a page of 501', { page_size: 501 }, 400],
    ['an order', { sort: '-count' }, 400],
    ['a page of less than 500', { page_size: 100 }, 400],
    ['the id of no metric', { metric_id: 'nobody' }, 404],
    ['a split by attribution', { by: ['$attributed_flow'] }, 501],
  ])('answers %s with an error', async (_, attributes, status) => {
    expect((await query(attributes)).status).toBe(status);
  });

  it('counts events, sums values and counts profiles by day', async () => {
    const reply = await query({ measurements: ['count', 'sum_value', 'unique'] });
    expect(reply.status).toBe(200);
    expect(reply.at('data.attributes')).toEqual({
      dates: [
        '2026-11-01T00:00:00+00:00',
        '2026-11-02T00:00:00+00:00',
        '2026-11-03T00:00:00+00:00',
      ],
      data: [
        {
          dimensions: [],
          measurements: { count: [2, 0, 2], sum_value: [12, 0, 1.5], unique: [2, 0, 1] },
        },
      ],
    });
  });

  it('splits by a property and returns the fields asked for', async () => {
    const by = { by: ['$value_currency'], interval: 'month' };
    const reply = await query(by);
    expect(reply.at('data.attributes.data')).toMatchObject([
      { dimensions: ['USD'], measurements: { count: [2] } },
      { dimensions: ['EUR'], measurements: { count: [1] } },
      { dimensions: [''], measurements: { count: [1] } },
    ]);
    expect(reply.at('links.next')).toBeNull();
    const some = await query({ ...by, page_size: 500, page_cursor: '2', return_fields: ['data'] });
    expect(Object.keys(some.at('data.attributes') as object)).toEqual(['data']);
    expect(some.at('data.attributes.data.length')).toBe(1);
    const filtered = await query({ ...by, filter: [...range(), 'equals($value_currency,"EUR")'] });
    expect(filtered.at('data.attributes.data.length')).toBe(1);
  });

  it('cuts days by the calendar of the timezone asked for', async () => {
    const reply = await query({
      timezone: 'Pacific/Auckland',
      filter: range('2026-11-01T11:00:00', '2026-11-04T11:00:00'),
    });
    expect(reply.at('data.attributes')).toMatchObject({
      dates: [
        '2026-11-01T11:00:00+00:00',
        '2026-11-02T11:00:00+00:00',
        '2026-11-03T11:00:00+00:00',
      ],
      data: [{ measurements: { count: [1, 1, 2] } }],
    });
  });
});

describe('createTimeBuckets', () => {
  it('counts a day of 25 hours where clocks go back, and a week from Monday', () => {
    const day = createTimeBuckets('day', 'America/New_York');
    const start = day.startOf(Date.parse('2026-11-01T12:00:00Z'));
    expect(new Date(start).toISOString()).toBe('2026-11-01T04:00:00.000Z');
    expect(new Date(day.next(start)).toISOString()).toBe('2026-11-02T05:00:00.000Z');
    const week = createTimeBuckets('week', 'UTC');
    const monday = week.startOf(Date.parse('2026-11-08T12:00:00Z'));
    expect(new Date(monday).toISOString()).toBe('2026-11-02T00:00:00.000Z');
    expect(new Date(week.next(monday)).toISOString()).toBe('2026-11-09T00:00:00.000Z');
    const month = createTimeBuckets('month', 'UTC');
    const february = month.next(Date.parse('2026-01-01T00:00:00Z'));
    expect(new Date(month.next(february)).toISOString()).toBe('2026-03-01T00:00:00.000Z');
    const hour = createTimeBuckets('hour', 'Asia/Kolkata');
    const half = hour.startOf(Date.parse('2026-11-01T12:00:00Z'));
    expect(new Date(half).toISOString()).toBe('2026-11-01T11:30:00.000Z');
    expect(hour.next(half) - half).toBe(3_600_000);
  });
});
