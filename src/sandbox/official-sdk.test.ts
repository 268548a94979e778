import {
  AccountsApi,
  ApiKeySession,
  CatalogsApi,
  EventsApi,
  ListsApi,
  MetricsApi,
  OAuthApi,
  OAuthSession,
  ProfilesApi,
  type CreatedTokens,
  type Session,
} from 'klaviyo-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  appOne,
  startTestSandbox,
  testSeed,
  verifier,
  type TestSandbox,
} from '../../test/support/sandbox-client.ts';

// Klaviyo's own SDK, unmodified: only its base paths and its token address are set.

const scopes = [
  ...appOne.scopes,
  'lists:read',
  'lists:write',
  'catalogs:read',
  'catalogs:write',
  'subscriptions:write',
];
const app = { ...appOne, scopes };

let test: TestSandbox;
beforeEach(async () => {
  test = await startTestSandbox({
    seed: { ...testSeed, apps: [app] },
    metricBranding: 'second-metric',
  });
});
afterEach(() => test.sandbox.close());

/** A session that the SDK exchanged a code for and whose tokens it refreshes. */
async function oauthSession() {
  let saved: CreatedTokens | undefined;
  const api = new OAuthApi(app.clientId, app.clientSecret, {
    retrieve: () => saved!,
    save: (_, tokens) => {
      saved = tokens;
    },
  });
  Object.assign(api, { tokenUrl: test.sandbox.tokenUrl });
  const code = await test.obtainCode({ account: 'AAA111' }, { scope: scopes.join(' ') });
  await api.createTokens('customer', verifier, code, app.redirectUris[0] ?? '');
  return new OAuthSession('customer', api);
}

/** The SDK's users write plain objects where it declares classes. */
const body = (value: unknown) => value as never;

function apisOf(session: Session) {
  const apis = {
    accounts: new AccountsApi(session),
    profiles: new ProfilesApi(session),
    events: new EventsApi(session),
    metrics: new MetricsApi(session),
    lists: new ListsApi(session),
    catalogs: new CatalogsApi(session),
  };
  for (const api of Object.values(apis)) api.basePath = test.sandbox.apiUrl;
  return apis;
}

const sessions = {
  'a private key': async (): Promise<Session> => new ApiKeySession('pk_alphafull'),
  OAuth: oauthSession,
};

describe.each(Object.entries(sessions))('klaviyo-api 23 by %s', (_, createSession) => {
  let apis: ReturnType<typeof apisOf>;
  beforeEach(async () => {
    apis = apisOf(await createSession());
  });

  it('reads the account', async () => {
    const { body: accounts } = await apis.accounts.getAccounts();
    expect(accounts.data[0]).toMatchObject({
      id: 'AAA111',
      attributes: {
        publicApiKey: 'AAA111',
        contactInformation: { organizationName: 'Alpha & Sons' },
        testAccount: false,
      },
    });
    const one = await apis.accounts.getAccount('AAA111', { fieldsAccount: ['timezone'] });
    expect(one.body.data.attributes.timezone).toBe('US/Eastern');
    expect(one.body.data.attributes.industry).toBeUndefined();
  });

  it('creates, reads, changes, finds and imports profiles', async () => {
    const attributes = { email: 'kim@alpha.example', firstName: 'Kim', properties: { tier: 1 } };
    const created = await apis.profiles.createProfile(
      body({ data: { type: 'profile', attributes } }),
    );
    const id = created.body.data.id!;
    expect(created.body.data.attributes).toMatchObject({ firstName: 'Kim', lastName: null });
    await apis.profiles.updateProfile(
      id,
      body({ data: { type: 'profile', id, attributes: { lastName: 'Lee' } } }),
    );
    const found = await apis.profiles.getProfiles({
      filter: 'equals(email,"kim@alpha.example")',
      additionalFieldsProfile: ['subscriptions'],
    });
    expect(found.body.data).toHaveLength(1);
    expect(found.body.data[0]!.attributes).toMatchObject({
      lastName: 'Lee',
      subscriptions: { email: { marketing: { consent: 'NEVER_SUBSCRIBED' } } },
    });
    const imported = await apis.profiles.createOrUpdateProfile(
      body({ data: { type: 'profile', attributes: { email: 'KIM@alpha.example', title: 'Dr' } } }),
    );
    expect(imported.response.status).toBe(200);
    expect((await apis.profiles.getProfile(id)).body.data.attributes.title).toBe('Dr');
    await expect(
      apis.profiles.createProfile(body({ data: { type: 'profile', attributes } })),
    ).rejects.toMatchObject({ response: { status: 409 } });
  });

  it('pages through profiles by the cursor of links.next', async () => {
    const seen = new Set<unknown>();
    for (let index = 0; index < 4; index++) {
      const attributes = { email: `p${index}@alpha.example` };
      await apis.profiles.createProfile(body({ data: { type: 'profile', attributes } }));
    }
    for (let pageCursor: string | null | undefined = ''; pageCursor != null;) {
      const { body: page } = await apis.profiles.getProfiles({
        pageSize: 2,
        sort: '-email',
        ...(pageCursor && { pageCursor }),
      });
      for (const { id } of page.data) seen.add(id);
      const { next } = page.links!;
      pageCursor = next == null ? next : new URL(next).searchParams.get('page[cursor]');
    }
    expect(seen.size).toBe(5);
  });

  it('sends events, alone and in bulk, and reads them with their metric and profile', async () => {
    const metric = { data: { type: 'metric', attributes: { name: 'Shipped Order' } } };
    const profile = { data: { type: 'profile', attributes: { email: 'ada@alpha.example' } } };
    const event = { properties: { total: 10 }, metric, value: 10, uniqueId: 'o-1', profile };
    const sent = await apis.events.createEvent(
      body({ data: { type: 'event', attributes: { ...event, time: new Date(test.clock.now()) } } }),
    );
    expect(sent.response.status).toBe(202);
    const part = {
      profile,
      events: {
        data: [{ type: 'event', attributes: { properties: {}, metric, uniqueId: 'o-2' } }],
      },
    };
    await apis.events.bulkCreateEvents(
      body({
        data: {
          type: 'event-bulk-create-job',
          attributes: {
            eventsBulkCreate: { data: [{ type: 'event-bulk-create', attributes: part }] },
          },
        },
      }),
    );
    const { body: events } = await apis.events.getEvents({
      include: ['metric', 'profile'],
      sort: '-timestamp',
    });
    expect(events.data).toHaveLength(2);
    expect(events.included!.map(({ type }) => String(type)).sort()).toEqual(['metric', 'profile']);
    const one = await apis.events.getEvent(events.data[0]!.id);
    expect(one.body.data.id).toBe(events.data[0]!.id);
    const { body: metrics } = await apis.metrics.getMetrics();
    expect(metrics.data.map(({ attributes }) => attributes.name)).toContain('Shipped Order');
    const own = metrics.data.find(({ attributes }) => attributes.name === 'Shipped Order')!;
    expect((await apis.metrics.getMetric(own.id)).body.data.attributes.name).toBe('Shipped Order');
    const day = new Date(test.clock.now()).toISOString().slice(0, 10);
    const aggregated = await apis.metrics.queryMetricAggregates(
      body({
        data: {
          type: 'metric-aggregate',
          attributes: {
            metricId: own.id,
            measurements: ['count', 'sum_value'],
            interval: 'month',
            filter: [`greater-or-equal(datetime,${day})`, 'less-than(datetime,2027-07-01)'],
          },
        },
      }),
    );
    const [row] = aggregated.body.data.attributes.data;
    expect(row!.measurements).toMatchObject({ count: expect.arrayContaining([2]) as number[] });
  });

  it('creates lists and puts profiles on them', async () => {
    const created = await apis.lists.createList(
      body({ data: { type: 'list', attributes: { name: 'News', optInProcess: 'single_opt_in' } } }),
    );
    const { id } = created.body.data;
    const { body: all } = await apis.profiles.getProfiles();
    const members = { data: [{ type: 'profile', id: all.data[0]!.id }] };
    await apis.lists.addProfilesToList(id, body(members));
    const { body: onList } = await apis.lists.getProfilesForList(id, { sort: '-joined_group_at' });
    expect(onList.data[0]!.attributes.email).toBe('ada@alpha.example');
    await apis.lists.removeProfilesFromList(id, body(members));
    expect((await apis.lists.getProfileIdsForList(id)).body.data).toEqual([]);
    const named = await apis.lists.getLists({ filter: 'equals(name,"News")' });
    expect(named.body.data[0]!.attributes.optInProcess).toBe('single_opt_in');
    await apis.lists.deleteList(id);
    expect((await apis.lists.getLists()).body.data).toEqual([]);
  });

  it('creates and reads items of the catalog', async () => {
    const attributes = {
      externalId: 'SKU-1',
      title: 'Shirt',
      description: '',
      url: 'https://x.example',
    };
    await apis.catalogs.createCatalogItem(body({ data: { type: 'catalog-item', attributes } }));
    const item = await apis.catalogs.getCatalogItem('$custom:::$default:::SKU-1');
    expect(item.body.data.attributes.title).toBe('Shirt');
  });
});

describe('klaviyo-api 23', () => {
  it('refreshes by itself when its access token is refused', async () => {
    const session = await oauthSession();
    const { accounts } = apisOf(session);
    test.sandbox.invalidateAccessTokens();
    expect((await accounts.getAccounts()).body.data[0]!.id).toBe('AAA111');
    expect(test.sandbox.statistics().refreshes).toBe(1);
  });

  it('makes two metrics of one name when it sends both ways', async () => {
    for (const create of Object.values(sessions)) {
      const attributes = {
        properties: {},
        metric: { data: { type: 'metric', attributes: { name: 'Both Ways' } } },
        profile: { data: { type: 'profile', attributes: { email: 'ada@alpha.example' } } },
      };
      await apisOf(await create()).events.createEvent(
        body({ data: { type: 'event', attributes } }),
      );
    }
    const { body: metrics } = await apisOf(await oauthSession()).metrics.getMetrics();
    const twins = metrics.data.filter(({ attributes }) => attributes.name === 'Both Ways');
    expect(twins.map(({ attributes }) => attributes.integration)).toMatchObject([
      { object: 'integration', key: 'api' },
      { object: 'application', name: app.name, category: { id: 1 } },
    ]);
  });
});
