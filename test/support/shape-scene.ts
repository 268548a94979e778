import { startTestSandbox } from './sandbox-client.ts';
import type { Json } from './match-shape.ts';

/** A recorded answer, as the file of shapes has it. */
export interface RecordedShape {
  readonly method: string;
  /** `{name}` stands for a resource that must exist. */
  readonly path: string;
  readonly query?: readonly (readonly [name: string, value: string])[];
  /** Default: `key`. */
  readonly auth?: 'key' | 'oauth' | 'bad-oauth';
  readonly status: number;
  /** `null`: none. */
  readonly contentType: string | null;
  readonly rateLimit?: string;
  readonly retryAfter?: string;
  readonly body: Json;
}

/** A sandbox in which recorded calls can be made again, with the resources they name. */
export type ShapeScene = Awaited<ReturnType<typeof openScene>>;

const scopes = ['accounts:read', 'webhooks:read', 'webhooks:write'];

const resource = (type: string, attributes: object, relationships?: object) => ({
  data: { type, attributes, ...(relationships ? { relationships } : {}) },
});
const change = (type: string, id: string, attributes: object) => ({
  data: { type, id, attributes },
});
const to = (type: string, id: string) => ({ data: { type, id } });
const toMany = (type: string, ...ids: string[]) => ({ data: ids.map((id) => ({ type, id })) });

const catalogItem = (name: string) => ({
  external_id: name,
  title: 'Tea',
  description: 'Green',
  price: 4.5,
  url: 'https://shop.example/tea',
  image_full_url: 'https://shop.example/tea.png',
  image_thumbnail_url: 'https://shop.example/tea-s.png',
  images: ['https://shop.example/tea.png'],
  custom_metadata: { origin: 'Uji' },
  published: true,
});

/** Opens a sandbox with a private key, an app and a manual clock, as Klaviyo is by default. */
export async function openScene() {
  const app = {
    clientId: 'shapes',
    clientSecret: 'secret-shapes',
    name: 'Shapes',
    redirectUris: ['http://localhost:5000/auth/callback'],
    scopes,
  };
  const test = await startTestSandbox({
    limits: true,
    settings: { consistency: 'eventual', planRefusals: true, accessTokenTtlSec: 315_360_000 },
    seed: {
      accounts: [
        {
          id: 'SHAPE1',
          name: 'Shapes',
          keys: [{ key: 'pk_shapes', name: 'Key', scopes: 'full' }],
          metrics: [{ name: 'Received Email', integration: 'klaviyo' }],
          profiles: [{ email: 'lone@shapes.example', first_name: 'Lone' }],
        },
      ],
      apps: [app],
    },
  });
  const { accessToken } = test.sandbox.install({ accountId: 'SHAPE1', clientId: 'shapes' });
  const credentials = { key: 'pk_shapes', oauth: accessToken, 'bad-oauth': 'no-such-token' };
  const wait = () => void test.clock.advance(86_400_000);

  const send = async (
    method: string,
    path: string,
    body?: unknown,
    auth: keyof typeof credentials = 'key',
  ) => {
    const reply = await test.api(method, path, credentials[auth], body);
    wait();
    if (reply.status >= 400)
      throw new Error(`${method} ${path}: ${reply.status} ${reply.body.slice(0, 300)}`);
    return reply;
  };
  const made = async (path: string, body: unknown, auth?: keyof typeof credentials) =>
    (await send('POST', path, body, auth)).text('data.id');
  /** Begins a job and does not wait for what it does. */
  const begun = async (path: string, body: unknown) =>
    (await test.post(path, body, 'pk_shapes')).text('data.id');
  const event = async (email: string, uniqueId: string, metric = 'Placed Order') => {
    await send(
      'POST',
      '/api/events',
      resource('event', {
        properties: { total: 3, plan: 'gold' },
        unique_id: uniqueId,
        metric: resource('metric', { name: metric }),
        profile: resource('profile', { email }),
      }),
    );
    const found = await send('GET', '/api/events?sort=-timestamp&page[size]=1');
    return found.text('data.0.id');
  };
  const suppress = (email: string) =>
    send(
      'POST',
      '/api/profile-suppression-bulk-create-jobs',
      resource('profile-suppression-bulk-create-job', {
        profiles: { data: [{ type: 'profile', attributes: { email } }] },
      }),
    );
  const profile = (email: string, more: object = {}) =>
    made('/api/profiles', resource('profile', { email, first_name: 'Ada', ...more }));
  const metricOf = async (name: string) => {
    const all = (await send('GET', '/api/metrics')).json as {
      data: { id: string; attributes: { name: string } }[];
    };
    return all.data.find((metric) => metric.attributes.name === name)?.id ?? '';
  };
  const message = {
    type: 'campaign-message',
    attributes: {
      definition: {
        channel: 'email',
        label: 'Hello',
        content: { subject: 'Tea', from_email: 'a@b.co' },
      },
    },
  };
  const variantOf = async (item: string, sku: string) =>
    made(
      '/api/catalog-variants',
      resource(
        'catalog-variant',
        { ...catalogItem(sku), sku, inventory_policy: 1, inventory_quantity: 7 },
        { item: to('catalog-item', await get(item)) },
      ),
    );
  const campaign =
    (tracking: object = {}) =>
    async () =>
      made('/api/campaigns', await campaignBody(tracking));
  const tagged = async (place: string, id: string) => {
    await send('POST', `/api/tags/${await get('tag')}/relationships/${place}s`, toMany(place, id));
    return id;
  };

  /** How each resource that a path or query names comes to be. */
  const makers: Readonly<Record<string, () => Promise<string> | string>> = {
    list: () => made('/api/lists', resource('list', { name: 'List' })),
    list2: () => made('/api/lists', resource('list', { name: 'List 2' })),
    tag: () => made('/api/tags', resource('tag', { name: 'Tag' })),
    tagLone: () => made('/api/tags', resource('tag', { name: 'Lone' })),
    tagGroup: () => made('/api/tag-groups', resource('tag-group', { name: 'Group' })),
    defaultTagGroup: async () =>
      (await send('GET', `/api/tags/${await get('tag')}/relationships/tag-group`)).text('data.id'),
    template: () =>
      made(
        '/api/templates',
        resource('template', { name: 'Template', editor_type: 'CODE', html: '<p>', text: 'p' }),
      ),
    profileFull: () =>
      profile(`full@shapes.example`, { external_id: 'full', properties: { tier: 1 } }),
    profileLone: async () =>
      (await send('GET', '/api/profiles?filter=equals(email,"lone@shapes.example")')).text(
        'data.0.id',
      ),
    emailFull: async () => (await get('profileFull'), 'full@shapes.example'),
    segment: () => made('/api/segments', segmentBody('Segment')),
    segmentMember: () => profile('member@segment.example'),
    segmentMemberEmail: async () => (await get('segmentMember'), 'member@segment.example'),
    segmentName: async () => (await get('segment'), 'Segment'),
    segmentName2: () => 'No such segment',
    starred: () => 'false',
    yesterday: () => new Date(Date.parse('2026-01-01')).toISOString(),
    event: () => event('event@shapes.example', 'one'),
    suppressedEvent: async () => {
      const id = await event('suppressed@shapes.example', 'two');
      await suppress('suppressed@shapes.example');
      return id;
    },
    metric: async () => (await get('event'), metricOf('Placed Order')),
    metricProperty: async () =>
      (await send('GET', `/api/metrics/${await get('metric')}/metric-properties`)).text(
        'data.0.id',
      ),
    customMetric: async () => made('/api/custom-metrics', await customMetricBody()),
    mappedMetric: () => 'revenue',
    campaign: campaign({ custom_tracking_params: [{ type: 'static', value: 'x', name: 'y' }] }),
    flow: async () => made('/api/flows', await flowBody()),
    taggedFlow: async () => tagged('flow', await get('flow2')),
    taggedCampaign: async () => tagged('campaign', await get('campaign')),
    flow2: async () => made('/api/flows', await flowBody()),
    flowMessage: async () => {
      const actions = await send(
        'GET',
        `/api/flows/${await get('flow')}/relationships/flow-actions`,
      );
      const path = `/api/flow-actions/${actions.text('data.0.id')}/relationships/flow-messages`;
      return (await send('GET', path)).text('data.0.id');
    },
    form: () => made('/api/forms', formBody(2)),
    imageInFilter: () =>
      made(
        '/api/images',
        resource('image', {
          name: 'Image',
          import_from_url: 'https://shop.example/tea.png',
          hidden: true,
        }),
      ),
    webFeed: () =>
      made(
        '/api/web-feeds',
        resource('web-feed', {
          name: 'feed',
          url: 'https://shop.example/f',
          request_method: 'get',
          content_type: 'json',
        }),
      ),
    dataSource: () => made('/api/data-sources', resource('data-source', { title: 'Source' })),
    trackingSetting: async () => (await send('GET', '/api/tracking-settings')).text('data.0.id'),
    item: () => made('/api/catalog-items', resource('catalog-item', catalogItem('TEA'))),
    item2: () => made('/api/catalog-items', resource('catalog-item', catalogItem('TEA2'))),
    variant: () => variantOf('item', 'TEA-1'),
    variantGone: () => variantOf('item', 'TEA-2'),
    variant2: () => variantOf('item2', 'TEA-3'),
    sku: async () => (await get('variant'), 'TEA-1'),
    category: async () =>
      made(
        '/api/catalog-categories',
        resource(
          'catalog-category',
          { external_id: 'C1', name: 'Tea' },
          { items: toMany('catalog-item', await get('item')) },
        ),
      ),
    itemCreateJob: () => begun('/api/catalog-item-bulk-create-jobs', itemJobBody()),
    categoryCreateJob: () =>
      begun(
        '/api/catalog-category-bulk-create-jobs',
        resource('catalog-category-bulk-create-job', {
          categories: {
            data: [resource('catalog-category', { external_id: 'BULK', name: 'Bulk' }).data],
          },
        }),
      ),
    coupon: () => made('/api/coupons', couponBody('TEN')),
    code: async () => {
      await made('/api/coupon-codes', await codeBody('CODE2'));
      return made('/api/coupon-codes', await codeBody('CODE1'));
    },
    importJob: async () => {
      const body = await importBody();
      const id = await made('/api/profile-bulk-import-jobs', body);
      for (const email of ['i1', 'i2', 'i3']) await suppress(`${email}@shapes.example`);
      return id;
    },
    importCursor: async () => {
      const page = await send(
        'GET',
        `/api/profile-bulk-import-jobs/${await get('importJob')}/profiles?page[size]=2`,
      );
      return new URL(page.text('links.next')).searchParams.get('page[cursor]') ?? '';
    },
    suppressListJob: async () => {
      await send(
        'POST',
        `/api/lists/${await get('list')}/relationships/profiles`,
        toMany('profile', await get('profileLone')),
      );
      return made(
        '/api/profile-suppression-bulk-create-jobs',
        resource(
          'profile-suppression-bulk-create-job',
          {},
          { list: to('list', await get('list')) },
        ),
      );
    },
    unsuppressListJob: async () =>
      made(
        '/api/profile-suppression-bulk-delete-jobs',
        resource(
          'profile-suppression-bulk-delete-job',
          {},
          { list: to('list', await get('list')) },
        ),
      ),
    webhook: () => made('/api/webhooks', webhookBody(), 'oauth'),
    webhookGone: () => made('/api/webhooks', webhookBody(), 'oauth'),
    nope: () => 'nope00',
    nopeDash: () => 'no-such-job',
    nopeCatalog: () => '$custom:::$default:::nope',
    nopeCoupon: () => 'NOPE',
    nopeCode: () => 'NOPE-CODE',
    nopeNumber: () => '999999999',
    nopeUuid: () => '00000000-0000-4000-8000-000000000000',
    nopeUlid: () => '01J00000000000000000000000',
  };

  const campaignBody = async (tracking: object = { custom_tracking_params: [] }) =>
    resource('campaign', {
      name: 'Campaign',
      audiences: { included: [await get('list')] },
      send_strategy: {
        method: 'static',
        datetime: '2026-12-01T08:00:00+00:00',
        options: { is_local: false },
      },
      send_options: { use_smart_sending: true },
      tracking_options: { add_tracking_params: true, ...tracking },
      'campaign-messages': { data: [message] },
    });
  const segmentBody = (name = 'New') =>
    resource('segment', {
      name,
      definition: {
        condition_groups: [
          {
            conditions: [
              {
                type: 'profile-property',
                property: 'email',
                filter: { type: 'string', operator: 'contains', value: '@segment.example' },
              },
            ],
          },
        ],
      },
    });
  const customMetricBody = async () =>
    resource('custom-metric', {
      name: 'Gold orders',
      definition: {
        aggregation_method: 'value',
        metric_groups: [
          {
            metric_id: await get('metric'),
            metric_filters: [
              { property: 'plan', filter: { type: 'string', operator: 'equals', value: 'gold' } },
            ],
            value_property: 'total',
          },
        ],
      },
    });
  const flowBody = async () =>
    resource('flow', {
      name: 'Flow',
      definition: {
        triggers: [{ type: 'metric', id: await metricOf('Received Email') }],
        profile_filter: null,
        actions: [
          {
            temporary_id: 'a',
            type: 'send-email',
            data: {
              message: {
                from_email: 'a@b.co',
                from_label: 'A',
                reply_to_email: 'a@b.co',
                subject_line: 'Hi',
                preview_text: 'Hi',
                template_id: await get('template'),
                name: 'Mail',
              },
              status: 'draft',
            },
            links: { next: null },
          },
        ],
        entry_action_id: 'a',
      },
    });
  const formBody = (steps = 1) =>
    resource('form', {
      name: 'Form',
      status: 'draft',
      ab_test: false,
      definition: { versions: [{ steps: Array.from({ length: steps }, () => ({})) }] },
    });
  const couponBody = (id = 'NEW') =>
    resource('coupon', {
      external_id: id,
      description: 'Ten off',
      monitor_configuration: { low_balance_threshold: 100 },
    });
  const codeBody = async (code = 'NEW') =>
    resource(
      'coupon-code',
      { unique_code: code, expires_at: '2027-01-01T00:00:00+00:00' },
      { coupon: to('coupon', await get('coupon')) },
    );
  const importBody = async () =>
    resource(
      'profile-bulk-import-job',
      {
        profiles: {
          data: ['i1', 'i2', 'i3'].map(
            (one) => resource('profile', { email: `${one}@shapes.example` }).data,
          ),
        },
      },
      { lists: toMany('list', await get('list2')) },
    );
  const webhookBody = () =>
    resource(
      'webhook',
      {
        name: 'Hook',
        description: 'A hook',
        endpoint_url: 'https://hooks.example/in',
        secret_key: 's',
      },
      { 'webhook-topics': toMany('webhook-topic', 'event:klaviyo.received_email') },
    );
  const itemJobBody = () =>
    resource('catalog-item-bulk-create-job', {
      items: { data: [resource('catalog-item', catalogItem('BULK')).data] },
    });

  /** The body of each recorded call that writes, by operation. */
  const bodies: Readonly<Record<string, () => unknown>> = {
    add_profiles_to_list: async () => toMany('profile', await get('profileLone')),
    bulk_create_coupon_codes: async () =>
      resource('coupon-code-bulk-create-job', {
        'coupon-codes': { data: [(await codeBody('BULK')).data] },
      }),
    bulk_create_events: () =>
      resource('event-bulk-create-job', {
        'events-bulk-create': {
          data: [
            {
              type: 'event-bulk-create',
              attributes: {
                profile: resource('profile', { email: 'bulk@shapes.example' }),
                events: {
                  data: [
                    resource('event', {
                      properties: {},
                      metric: resource('metric', { name: 'Bulk' }),
                    }).data,
                  ],
                },
              },
            },
          ],
        },
      }),
    bulk_create_catalog_items: () => itemJobBody(),
    bulk_delete_catalog_variants: async () =>
      resource('catalog-variant-bulk-delete-job', {
        variants: toMany('catalog-variant', await get('variantGone')),
      }),
    bulk_import_profiles: () => importBody(),
    bulk_suppress_profiles: () =>
      resource('profile-suppression-bulk-create-job', {
        profiles: { data: [{ type: 'profile', attributes: { email: 'lone@shapes.example' } }] },
      }),
    bulk_unsubscribe_profiles: () =>
      resource('profile-subscription-bulk-delete-job', {
        profiles: {
          data: [
            {
              type: 'profile',
              attributes: {
                email: 'lone@shapes.example',
                subscriptions: { email: { marketing: { consent: 'UNSUBSCRIBED' } } },
              },
            },
          ],
        },
      }),
    create_back_in_stock_subscription: async () =>
      resource(
        'back-in-stock-subscription',
        { channels: ['EMAIL'], profile: resource('profile', { email: 'lone@shapes.example' }) },
        { variant: to('catalog-variant', await get('variant')) },
      ),
    create_campaign: () => campaignBody(),
    create_catalog_category: () =>
      resource('catalog-category', { external_id: 'NEW', name: 'New' }),
    create_coupon: () => couponBody(),
    create_coupon_code: () => codeBody(),
    create_custom_metric: () => customMetricBody(),
    create_event: () =>
      resource('event', {
        properties: {},
        metric: resource('metric', { name: 'Other' }),
        profile: resource('profile', { email: 'lone@shapes.example' }),
      }),
    create_flow: () => flowBody(),
    create_form: () => formBody(),
    create_list: () => resource('list', { name: 'New' }),
    create_object_type: () => resource('object-type', { title: 'Thing' }),
    create_push_token: () =>
      resource('push-token', { token: 't', platform: 'ios', vendor: 'apns' }),
    create_segment: () => segmentBody(),
    create_tag: () => resource('tag', { name: 'New' }),
    create_tag_group: () => resource('tag-group', { name: 'New' }),
    create_template: () =>
      resource('template', { name: 'New', editor_type: 'CODE', html: '<p>', text: 'p' }),
    create_webhook: () => webhookBody(),
    merge_profiles: async () => ({
      data: {
        type: 'profile-merge',
        id: await get('profileLone'),
        relationships: { profiles: toMany('profile', await profile('gone@shapes.example')) },
      },
    }),
    query_flow_series: async () =>
      resource('flow-series-report', {
        statistics: ['opens'],
        timeframe: { key: 'last_7_days' },
        interval: 'daily',
        conversion_metric_id: await get('metric'),
      }),
    render_template: async () => change('template', await get('template'), { context: {} }),
    update_catalog_item: async () => change('catalog-item', await get('item'), { title: 'New' }),
    update_catalog_variant: async () =>
      change('catalog-variant', await get('variant'), { title: 'New' }),
    update_profile: async () => change('profile', await get('profileFull'), { first_name: 'Bo' }),
    update_segment: async () =>
      change('segment', await get('segment'), { name: 'New', is_starred: true }),
    update_webhook: async () => change('webhook', await get('webhook'), { name: 'New' }),
  };

  const kept = new Map<string, Promise<string>>();
  const get = (name: string): Promise<string> => {
    let found = kept.get(name);
    if (!found) {
      const maker = makers[name];
      if (!maker) throw new Error(`nothing makes {${name}}`);
      kept.set(name, (found = Promise.resolve(maker())));
    }
    return found;
  };
  const filled = async (text: string) => {
    let shown = text;
    for (const [, name = ''] of text.matchAll(/\{(\w+)\}/g)) {
      shown = shown.replace(`{${name}}`, await get(name));
    }
    return shown;
  };
  /** What must be there besides what the call names. */
  const beforehand: Readonly<Record<string, readonly string[]>> = {
    'get_bulk_import_profiles_jobs.200': ['importJob'],
    'get_bulk_suppress_profiles_jobs.200': ['suppressListJob'],
    'get_catalog_categories.200': ['category'],
    'get_catalog_items.200': ['variant', 'variant2'],
    'get_tags_for_campaign.200': ['taggedCampaign'],
    'get_coupon_code_ids_for_coupon.200': ['code'],
    'get_coupon_codes_for_coupon.200': ['code'],
    'get_profiles_for_segment.200': ['segmentMember'],
    'get_profile_ids_for_segment.200': ['segmentMember'],
    'get_segments_for_profile.200': ['segment'],
    'get_variants_for_catalog_item.200': ['variant'],
    'get_web_feeds.200': ['webFeed'],
    'get_webhooks.200': ['webhook'],
  };

  /** Makes a recorded call again. */
  const replay = async (name: string, shape: RecordedShape) => {
    for (const needed of beforehand[name] ?? []) await get(needed);
    const path = await filled(shape.path);
    const query = await Promise.all(
      (shape.query ?? []).map(
        async ([key, value]) => `${key}=${encodeURIComponent(await filled(value))}`,
      ),
    );
    const called = query.length > 0 ? `${path}?${query.join('&')}` : path;
    const operation = name.split('.', 1)[0] ?? '';
    const body: unknown =
      name === 'create_tag.404'
        ? resource('tag', { name: 'x' }, { 'tag-group': to('tag-group', await get('nopeUuid')) })
        : await bodies[operation]?.();
    const call = () => test.api(shape.method, called, credentials[shape.auth ?? 'key'], body);
    // Limits are full once the call has been made as often as they allow within a second.
    if (shape.status === 429) await call();
    const reply = await call();
    wait();
    const asked = name === 'create_tag.404' ? await get('nopeUuid') : (path.split('/')[3] ?? '');
    return { reply, called: new URL(called, test.sandbox.url), asked };
  };

  return { replay, origin: test.sandbox.url, close: () => test.sandbox.close() };
}
