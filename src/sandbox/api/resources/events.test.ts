import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createManualClock } from '../../../runtime/clock.ts';
import { startTestSandbox, type TestSandbox } from '../../../../test/support/sandbox-client.ts';

let test: TestSandbox;
beforeEach(async () => {
  test = await startTestSandbox();
});
afterEach(() => test.sandbox.close());

interface EventOptions {
  readonly name?: string;
  readonly service?: string;
  readonly profile?: object;
  readonly event?: object;
}

const eventOf = ({ name = 'Placed Order', service, profile, event }: EventOptions = {}) => ({
  data: {
    type: 'event',
    attributes: {
      properties: { total: 10 },
      metric: { data: { type: 'metric', attributes: { name, ...(service && { service }) } } },
      profile: {
        data: { type: 'profile', attributes: { email: 'ada@alpha.example' }, ...profile },
      },
      ...event,
    },
  },
});
const sendEvent = (options: EventOptions = {}, credential?: string) =>
  test.post('/api/events', eventOf(options), credential);
const count = async (path: string) => Number((await test.get(path)).at('data.length'));

interface MetricShown {
  readonly id: string;
  readonly attributes: { readonly name: string; readonly integration: Record<string, unknown> };
}
const metricsNamed = async (name: string) =>
  ((await test.get('/api/metrics')).at('data') as MetricShown[]).filter(
    ({ attributes }) => attributes.name === name,
  );

describe('POST /api/events', () => {
  it.each([
    ['no properties', { event: { properties: undefined } }, '/data/attributes/properties'],
    ['a list of properties', { event: { properties: [] } }, '/data/attributes/properties'],
    ['a value that is text', { event: { value: '9' } }, '/data/attributes/value'],
    ['a time that is none', { event: { time: 'yesterday' } }, '/data/attributes/time'],
    ['a time before 1990', { event: { time: '1989-12-31T00:00:00Z' } }, '/data/attributes/time'],
    ['a time years ahead', { event: { time: '2099-01-01T00:00:00Z' } }, '/data/attributes/time'],
    ['an empty metric name', { name: ' ' }, '/data/attributes/metric/data/attributes/name'],
    [
      'a metric name of 128 characters',
      { name: 'x'.repeat(128) },
      '/data/attributes/metric/data/attributes/name',
    ],
    [
      'a profile nobody could find again',
      { profile: { attributes: { first_name: 'A' } } },
      '/data/attributes/profile/data/attributes',
    ],
    [
      'the id of no profile',
      { profile: { id: 'nobody', attributes: {} } },
      '/data/attributes/profile/data/id',
    ],
  ])('refuses %s with 400 and a pointer', async (_, options, pointer) => {
    const reply = await sendEvent(options);
    expect(reply.status).toBe(400);
    expect(reply.at('errors.0.source.pointer')).toBe(pointer);
    expect(await count('/api/events')).toBe(0);
  });

  it('says 501 to a service other than api from a key, and ignores it from an app', async () => {
    expect((await sendEvent({ service: 'shopify' })).status).toBe(501);
    expect((await sendEvent({ service: 'api' })).status).toBe(202);
    const { access_token } = await test.install();
    expect((await sendEvent({ service: 'shopify' }, access_token)).status).toBe(202);
  });

  it('answers 202 without a body and records the event for its profile and metric', async () => {
    const event = {
      value: 9.99,
      value_currency: 'USD',
      unique_id: 'o-1',
      time: '2026-11-08T10:00:00.700Z',
    };
    const reply = await sendEvent({ event });
    expect(reply.status).toBe(202);
    expect(reply.body).toBe('');
    const list = await test.get('/api/events');
    expect(list.at('data.0.attributes')).toMatchObject({
      timestamp: 1794132000,
      datetime: '2026-11-08T10:00:00+00:00',
      event_properties: { total: 10, $value: 9.99, $value_currency: 'USD', $event_id: 'o-1' },
    });
    const one = await test.get(`/api/events/${list.text('data.0.id')}`);
    expect(one.at('data')).toEqual(list.at('data.0'));
    const profile = await test.get(
      `/api/profiles/${one.text('data.relationships.profile.data.id')}`,
    );
    expect(profile.at('data.attributes')).toMatchObject({
      email: 'ada@alpha.example',
      first_name: 'Ada',
      last_event_date: '2026-11-08T10:00:00+00:00',
    });
    const metric = await test.get(`/api/metrics/${one.text('data.relationships.metric.data.id')}`);
    expect(metric.at('data.attributes.name')).toBe('Placed Order');
    expect((await test.get('/api/events/nobody')).status).toBe(400);
    expect((await test.get('/api/events/0123456789a')).status).toBe(404);
    expect((await test.get('/api/metrics/nobody')).status).toBe(404);
  });

  it('creates a profile and a metric where there are none, and updates a profile there is', async () => {
    const attributes = { email: 'new@alpha.example', first_name: 'New' };
    await sendEvent({ name: 'Brand New', profile: { attributes } });
    expect(await count('/api/profiles')).toBe(2);
    expect(await metricsNamed('Brand New')).toHaveLength(1);
    await test.clock.advance(1_000);
    await sendEvent({ profile: { attributes: { ...attributes, last_name: 'Person' } } });
    expect((await test.get('/api/profiles')).at('data.1.attributes')).toMatchObject({
      first_name: 'New',
      last_name: 'Person',
    });
  });

  it('takes one unique id once per profile and metric', async () => {
    const event = { unique_id: 'o-1' };
    await sendEvent({ event });
    expect((await sendEvent({ event })).status).toBe(202);
    expect(await count('/api/events')).toBe(1);
    await sendEvent({ event, name: 'Other' });
    await sendEvent({ event, profile: { attributes: { email: 'else@alpha.example' } } });
    expect(await count('/api/events')).toBe(3);
  });

  it('lets the second stand in for a unique id that is not given', async () => {
    await sendEvent();
    await sendEvent();
    expect(await count('/api/events')).toBe(1);
    await test.clock.advance(1_000);
    await sendEvent();
    expect(await count('/api/events')).toBe(2);
  });
});

describe('metrics', () => {
  it('gives a key’s events the API integration, the same metric every time', async () => {
    await sendEvent();
    await test.clock.advance(1_000);
    await sendEvent();
    const metrics = await metricsNamed('Placed Order');
    expect(metrics).toHaveLength(1);
    expect(metrics[0]?.attributes.integration).toEqual({
      object: 'integration',
      id: '7FtS4J',
      key: 'api',
      name: 'API',
      category: 'API',
    });
    expect((await metricsNamed('Received Email'))[0]?.attributes.integration).toMatchObject({
      id: '0rG4eQ',
      key: 'klaviyo',
    });
  });

  it('makes a second metric of the same name for an app: the duplicate a migration must avoid', async () => {
    const { access_token } = await test.install();
    const event = { unique_id: 'same' };
    await sendEvent({ event });
    await sendEvent({ event }, access_token);
    const [byKey, byApp] = await metricsNamed('Placed Order');
    expect(byKey?.id).not.toBe(byApp?.id);
    expect(byApp?.attributes.integration).toEqual({
      object: 'application',
      id: expect.stringMatching(/^[0-9A-HJKMNP-TV-Z]{26}$/),
      key: byApp?.attributes.integration['id'],
      name: 'App <One>',
      category: { id: expect.any(Number), category: expect.any(String) },
    });
    expect(await count('/api/events')).toBe(2);
  });

  it('keeps the ids of seeded metrics from one start to the next', async () => {
    await using again = await startTestSandbox({ clock: createManualClock(1_900_000_000_000) });
    const ids = async (sandbox: TestSandbox) => (await sandbox.get('/api/metrics')).at('data.0.id');
    expect(await ids(again)).toBe(await ids(test));
  });

  it('pages by 200 and takes no page[size]', async () => {
    expect((await test.get('/api/metrics?page[size]=10')).status).toBe(400);
    for (let index = 0; index < 203; index++) await sendEvent({ name: `Metric ${index}` });
    const first = await test.get('/api/metrics');
    expect(first.at('data.length')).toBe(200);
    const second = await test.get(first.text('links.next').slice(test.sandbox.url.length));
    expect(second.at('data.length')).toBe(5);
    expect(second.at('links.next')).toBeNull();
  });
});

describe('GET /api/events', () => {
  const ids = async (query: string) => {
    const reply = await test.get(`/api/events?${query}`);
    return (reply.at('data') as { attributes: { event_properties: { n: number } } }[]).map(
      ({ attributes }) => attributes.event_properties.n,
    );
  };
  beforeEach(async () => {
    const days = [2, 1, 3];
    for (const [index, n] of days.entries()) {
      const time = `2026-11-0${n}T00:00:00Z`;
      const name = index === 0 ? 'Other' : 'Placed Order';
      const attributes = { email: n === 3 ? 'kim@alpha.example' : 'ada@alpha.example' };
      await sendEvent({ name, event: { properties: { n }, time }, profile: { attributes } });
    }
  });

  it('sorts by time, filters by metric, profile and time', async () => {
    expect(await ids('')).toEqual([2, 1, 3]);
    expect(await ids('sort=timestamp')).toEqual([1, 2, 3]);
    expect(await ids('sort=-datetime')).toEqual([3, 2, 1]);
    const [metric] = await metricsNamed('Placed Order');
    expect(await ids(`filter=equals(metric_id,"${metric?.id}")&sort=timestamp`)).toEqual([1, 3]);
    const kim = (await test.get('/api/profiles?filter=equals(email,"kim@alpha.example")')).at(
      'data.0.id',
    );
    expect(await ids(`filter=equals(profile_id,"${String(kim)}")`)).toEqual([3]);
    expect(await ids('filter=greater-or-equal(datetime,2026-11-02T00:00:00Z)')).toEqual([2, 3]);
    expect(await ids('filter=less-than(timestamp,1793577600)')).toEqual([1]);
    expect((await test.get('/api/events?filter=equals(timestamp,1)')).status).toBe(400);
    expect((await test.get('/api/events?include=attributions')).at('included')).toEqual([]);
  });

  it('includes the profile and the metric, each once, with the fields asked for', async () => {
    const reply = await test.get(
      '/api/events?include=profile,metric&fields[profile]=email&fields[metric]=name',
    );
    const included = reply.at('included') as { type: string; attributes: object }[];
    expect(included.map(({ type, attributes }) => [type, attributes])).toEqual([
      ['profile', { email: 'ada@alpha.example' }],
      ['profile', { email: 'kim@alpha.example' }],
      ['metric', { name: 'Other' }],
      ['metric', { name: 'Placed Order' }],
    ]);
  });

  it('leads to the metric and the profile of an event', async () => {
    const event = (await test.get('/api/events')).at('data.0') as { id: string };
    const at = async (path: string, place: string) =>
      (await test.get(`/api/events/${event.id}/${path}`)).at(place);
    expect(await at('metric', 'data.attributes.name')).toBe('Other');
    expect(await at('profile', 'data.attributes.email')).toBe('ada@alpha.example');
    expect(await at('relationships/metric', 'data.id')).toBe(await at('metric', 'data.id'));
    expect(await at('relationships/profile', 'data.type')).toBe('profile');
    expect((await test.get('/api/events/nobody/metric')).status).toBe(400);
  });
});

describe('POST /api/event-bulk-create-jobs', () => {
  const bulk = (events: object[], email = 'ada@alpha.example') => ({
    data: {
      type: 'event-bulk-create-job',
      attributes: {
        'events-bulk-create': {
          data: [
            {
              type: 'event-bulk-create',
              attributes: {
                profile: { data: { type: 'profile', attributes: { email } } },
                events: { data: events.map((attributes) => ({ type: 'event', attributes })) },
              },
            },
          ],
        },
      },
    },
  });
  const metric = { data: { type: 'metric', attributes: { name: 'Bulk' } } };

  it('records all events, or none when one is wrong', async () => {
    const good = { properties: {}, metric, unique_id: 'b-1' };
    const wrong = { properties: {}, metric, time: 'yesterday' };
    const refused = await test.post('/api/event-bulk-create-jobs', bulk([good, wrong]));
    expect(refused.status).toBe(400);
    expect(refused.at('errors.0.source.pointer')).toBe(
      '/data/attributes/events-bulk-create/data/0/attributes/events/data/1/attributes/time',
    );
    expect(await count('/api/events')).toBe(0);
    const other = { ...good, unique_id: 'b-2' };
    const taken = await test.post('/api/event-bulk-create-jobs', bulk([good, other, good]));
    expect([taken.status, taken.body]).toEqual([202, '']);
    expect(await count('/api/events')).toBe(2);
  });
});

describe('the branding of metrics', () => {
  const integrations = async () =>
    (await metricsNamed('Placed Order')).map(({ id, attributes }) => [
      id,
      attributes.integration['object'],
    ]);

  it('makes a second metric, also long after key traffic has stopped', async () => {
    const { access_token } = await test.install();
    const [before] = await integrations();
    await test.clock.advance(365 * 24 * 3_600_000);
    const fresh = (await test.install()).access_token;
    await sendEvent({}, fresh);
    expect(access_token).not.toBe(fresh);
    expect(await integrations()).toEqual([before, [expect.any(String), 'application']]);
  });

  describe('in place', () => {
    beforeEach(async () => {
      await test.sandbox.close();
      test = await startTestSandbox({ metricBranding: 'brand-in-place' });
    });

    it('keeps the id once key traffic has stopped', async () => {
      const { access_token } = await test.install();
      await sendEvent();
      const [[id] = []] = await integrations();
      await test.clock.advance(60_000);
      await sendEvent({}, access_token);
      expect(await integrations()).toEqual([[id, 'application']]);
      await sendEvent({ event: { unique_id: 'again' } }, access_token);
      expect(await integrations()).toHaveLength(1);
      expect(await count('/api/events')).toBe(3);
    });

    it('makes a duplicate of what is sent both ways', async () => {
      const { access_token } = await test.install();
      await sendEvent();
      await test.clock.advance(59_000);
      await sendEvent({}, access_token);
      const [byKey, byApp] = await integrations();
      expect([byKey?.[1], byApp?.[1]]).toEqual(['integration', 'application']);
      await test.clock.advance(3_600_000);
      await sendEvent({}, (await test.install()).access_token);
      expect(await integrations()).toEqual([byKey, byApp]);
    });

    it('makes a new metric for a key that sends again after the branding', async () => {
      const { access_token } = await test.install();
      await sendEvent({}, access_token);
      expect((await integrations()).map(([, object]) => object)).toEqual(['application']);
      await sendEvent();
      expect((await integrations()).map(([, object]) => object)).toEqual([
        'application',
        'integration',
      ]);
    });
  });
});
