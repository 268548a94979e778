import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestSandbox, type TestSandbox } from '../../../../test/support/sandbox-client.ts';

let test: TestSandbox;
beforeEach(async () => {
  test = await startTestSandbox();
});
afterEach(() => test.sandbox.close());

const idsAt = async (path: string) =>
  ((await test.get(path)).at('data') as { id: string }[]).map(({ id }) => id);
const createList = async (opt_in_process: string) => {
  const data = { type: 'list', attributes: { name: 'News', opt_in_process } };
  return (await test.post('/api/lists', { data })).text('data.id');
};
const listOf = (id: string) => ({ list: { data: { type: 'list', id } } });
const profileOf = async (email: string) => {
  const query = `filter=equals(email,"${email}")&additional-fields[profile]=subscriptions`;
  return (await test.get(`/api/profiles?${query}`)).at('data.0') as
    | { id: string; attributes: { subscriptions: { email: { marketing: object }; sms: object } } }
    | undefined;
};
const marketingOf = async (email: string) =>
  (await profileOf(email))?.attributes.subscriptions.email.marketing;

describe('POST /api/profile-bulk-import-jobs', () => {
  const importAll = (attributes: readonly object[], relationships?: object) =>
    test.post('/api/profile-bulk-import-jobs', {
      data: {
        type: 'profile-bulk-import-job',
        attributes: {
          profiles: { data: attributes.map((one) => ({ type: 'profile', attributes: one })) },
        },
        ...(relationships && { relationships }),
      },
    });

  it('answers as a job that waits, and shows it done afterwards', async () => {
    const list = await createList('single_opt_in');
    const lists = { lists: { data: [{ type: 'list', id: list }] } };
    const begun = await importAll(
      [{ email: 'ada@alpha.example', title: 'Dr' }, { email: 'kim@alpha.example' }],
      lists,
    );
    expect(begun.status).toBe(202);
    expect(begun.at('data.attributes')).toMatchObject({
      status: 'queued',
      total_count: 2,
      completed_count: 0,
      completed_at: null,
    });
    const path = `/api/profile-bulk-import-jobs/${begun.text('data.id')}`;
    const done = await test.get(`${path}?include=lists`);
    expect(done.at('data.attributes')).toMatchObject({
      status: 'complete',
      completed_count: 2,
      failed_count: 0,
    });
    expect(done.at('included.0.id')).toBe(list);
    const profiles = await idsAt('/api/profiles');
    expect(profiles).toHaveLength(2);
    expect(await idsAt(`${path}/profiles`)).toEqual(profiles);
    expect(await idsAt(`${path}/relationships/profiles`)).toEqual(profiles);
    expect(await idsAt(`${path}/lists`)).toEqual([list]);
    expect(await idsAt(`/api/lists/${list}/profiles`)).toEqual(profiles);
    expect(await idsAt('/api/profile-bulk-import-jobs?filter=equals(status,"queued")')).toEqual([]);
    expect(await idsAt('/api/profile-bulk-import-jobs')).toHaveLength(1);
  });

  it('counts what cannot be written and says why, and writes the rest', async () => {
    const begun = await importAll([
      { email: 'kim@alpha.example' },
      { first_name: 'Nobody' },
      { email: 'ada@alpha.example', external_id: 'e-1' },
      { email: 'kim@alpha.example', external_id: 'e-1' },
    ]);
    const path = `/api/profile-bulk-import-jobs/${begun.text('data.id')}`;
    expect((await test.get(path)).at('data.attributes')).toMatchObject({
      total_count: 4,
      completed_count: 2,
      failed_count: 2,
    });
    const errors = await test.get(`${path}/import-errors`);
    expect(errors.at('data.0.attributes')).toMatchObject({
      code: 'invalid',
      source: { pointer: '/data/attributes/profiles/data/1' },
      original_payload: { attributes: { first_name: 'Nobody' } },
    });
    expect(errors.at('data.1.attributes.code')).toBe('duplicate_profile');
  });

  it('refuses an unknown list and a wrong address before it writes anything', async () => {
    const lists = { lists: { data: [{ type: 'list', id: 'nobody' }] } };
    expect((await importAll([{ email: 'kim@alpha.example' }], lists)).status).toBe(404);
    const wrong = await importAll([{ email: 'kim@alpha.example' }, { email: 'nope' }]);
    expect([wrong.status, wrong.at('errors.0.source.pointer')]).toEqual([
      400,
      '/data/attributes/profiles/data/1/attributes/email',
    ]);
    expect(await idsAt('/api/profiles')).toHaveLength(1);
    expect((await test.get('/api/profile-bulk-import-jobs/nobody')).status).toBe(404);
  });
});

describe('subscriptions', () => {
  const consent = { consent: 'SUBSCRIBED' };
  const email = 'kim@alpha.example';
  const subscribe = (profiles: object[], more: object = {}, relationships?: object) =>
    test.post('/api/profile-subscription-bulk-create-jobs', {
      data: {
        type: 'profile-subscription-bulk-create-job',
        attributes: {
          profiles: { data: profiles.map((one) => ({ type: 'profile', attributes: one })) },
          ...more,
        },
        ...(relationships && { relationships }),
      },
    });
  const byEmail = { email, subscriptions: { email: { marketing: consent } } };

  it('subscribe a profile to e-mail and SMS, creating it, and put it on the list', async () => {
    const list = await createList('single_opt_in');
    const phone_number = '+15005550006';
    const subscriptions = { email: { marketing: consent }, sms: { marketing: consent } };
    const reply = await subscribe(
      [{ email, phone_number, subscriptions }],
      { custom_source: 'Checkout' },
      listOf(list),
    );
    expect([reply.status, reply.body]).toEqual([202, '']);
    expect(await marketingOf(email)).toMatchObject({
      consent: 'SUBSCRIBED',
      can_receive_email_marketing: true,
      method: 'API',
      method_detail: 'Checkout',
    });
    const profile = await profileOf(email);
    expect(profile?.attributes.subscriptions.sms).toMatchObject({
      marketing: { consent: 'SUBSCRIBED', can_receive_sms_marketing: true },
      transactional: { consent: 'NEVER_SUBSCRIBED' },
    });
    expect(await idsAt(`/api/lists/${list}/profiles`)).toEqual([profile?.id]);
  });

  it('wait for a click that never comes where the list asks for double opt-in', async () => {
    const list = await createList('double_opt_in');
    await subscribe([byEmail], {}, listOf(list));
    expect(await marketingOf(email)).toMatchObject({ consent: 'NEVER_SUBSCRIBED' });
    expect(await idsAt(`/api/lists/${list}/profiles`)).toEqual([]);
    const consented_at = '2020-05-01T08:00:00Z';
    const earlier = {
      email,
      subscriptions: { email: { marketing: { ...consent, consented_at } } },
    };
    expect((await subscribe([byEmail], { historical_import: true })).status).toBe(400);
    await subscribe([earlier], { historical_import: true }, listOf(list));
    expect(await marketingOf(email)).toMatchObject({
      consent: 'SUBSCRIBED',
      consent_timestamp: '2020-05-01T08:00:00+00:00',
    });
    expect(await idsAt(`/api/lists/${list}/profiles`)).toHaveLength(1);
  });

  it('take all profiles or none', async () => {
    const nameless = { subscriptions: { email: { marketing: consent } } };
    expect((await subscribe([byEmail, nameless])).status).toBe(400);
    expect((await subscribe([byEmail], {}, listOf('nobody'))).status).toBe(404);
    const push = { email, subscriptions: { push: { marketing: consent } } };
    expect((await subscribe([push])).status).toBe(501);
    expect(await profileOf(email)).toBeUndefined();
  });

  it('end with an unsubscription, which takes the profile off the list', async () => {
    const list = await createList('single_opt_in');
    await subscribe([byEmail], {}, listOf(list));
    const subscriptions = { email: { marketing: { consent: 'UNSUBSCRIBED' } } };
    const reply = await test.post('/api/profile-subscription-bulk-delete-jobs', {
      data: {
        type: 'profile-subscription-bulk-delete-job',
        attributes: {
          profiles: { data: [{ type: 'profile', attributes: { email, subscriptions } }] },
        },
        relationships: listOf(list),
      },
    });
    expect([reply.status, reply.body]).toEqual([202, '']);
    expect(await marketingOf(email)).toMatchObject({
      consent: 'UNSUBSCRIBED',
      can_receive_email_marketing: false,
    });
    expect(await idsAt(`/api/lists/${list}/profiles`)).toEqual([]);
  });
});

describe('suppressions', () => {
  const job = (what: 'create' | 'delete', emails: string[], relationships?: object) =>
    test.post(`/api/profile-suppression-bulk-${what}-jobs`, {
      data: {
        type: `profile-suppression-bulk-${what}-job`,
        attributes: {
          profiles: { data: emails.map((email) => ({ type: 'profile', attributes: { email } })) },
        },
        ...(relationships && { relationships }),
      },
    });

  it('keep e-mail from a profile until they are lifted, and skip whom they do not concern', async () => {
    const begun = await job('create', ['ada@alpha.example', 'nobody@alpha.example']);
    expect([begun.status, begun.at('data.attributes.status')]).toEqual([202, 'processing']);
    const path = `/api/profile-suppression-bulk-create-jobs/${begun.text('data.id')}`;
    expect((await test.get(path)).at('data.attributes')).toMatchObject({
      status: 'complete',
      completed_count: 1,
      skipped_count: 1,
    });
    expect(await marketingOf('ada@alpha.example')).toMatchObject({
      can_receive_email_marketing: false,
      suppression: [{ reason: 'USER_SUPPRESSED' }],
    });
    const field = 'subscriptions.email.marketing.suppression.reason';
    const suppressed = `/api/profiles?filter=equals(${field},"USER_SUPPRESSED")`;
    expect(await idsAt(suppressed)).toHaveLength(1);
    await job('delete', ['ada@alpha.example']);
    expect(await marketingOf('ada@alpha.example')).toMatchObject({ suppression: [] });
    expect(await idsAt(suppressed)).toEqual([]);
    expect(await idsAt('/api/profile-suppression-bulk-delete-jobs?sort=-created')).toHaveLength(1);
  });

  it('concern the members of a list', async () => {
    const list = await createList('single_opt_in');
    const [ada] = await idsAt('/api/profiles');
    const data = [{ type: 'profile', id: ada }];
    await test.post(`/api/lists/${list}/relationships/profiles`, { data });
    const body = {
      data: { type: 'profile-suppression-bulk-create-job', relationships: listOf(list) },
    };
    expect((await test.post('/api/profile-suppression-bulk-create-jobs', body)).status).toBe(202);
    expect(await marketingOf('ada@alpha.example')).toMatchObject({
      can_receive_email_marketing: false,
    });
    const both = await job('create', ['a@b.co'], listOf(list));
    expect([both.status, both.at('errors.0.code')]).toEqual([400, 'invalid']);
    const stranger = { ...body.data, relationships: listOf('nobody') };
    const path = '/api/profile-suppression-bulk-create-jobs';
    expect((await test.post(path, { data: stranger })).status).toBe(404);
  });
});

describe('/client', () => {
  const send = (path: string, data: object, company = 'AAA111') =>
    test.request(`/client/${path}?company_id=${company}`, {
      method: 'POST',
      headers: { revision: '2026-07-15', 'content-type': 'application/json' },
      body: JSON.stringify({ data }),
    });

  it('takes events of a company without a credential, under an API metric', async () => {
    const attributes = {
      properties: {},
      metric: { data: { type: 'metric', attributes: { name: 'Viewed Page' } } },
      profile: { data: { type: 'profile', attributes: { anonymous_id: 'anon-1' } } },
    };
    const reply = await send('events', { type: 'event', attributes });
    expect([reply.status, reply.body]).toEqual([202, '']);
    const metrics = (await test.get('/api/metrics')).at('data') as { attributes: object }[];
    expect(metrics.at(-1)?.attributes).toMatchObject({
      name: 'Viewed Page',
      integration: { object: 'integration', key: 'api' },
    });
    expect((await test.get('/api/events', 'pk_betafull')).at('data.length')).toBe(0);
  });

  it('creates and updates profiles, and tells nothing about them', async () => {
    for (const first_name of ['Kim', 'Kimberly']) {
      const attributes = { email: 'kim@alpha.example', first_name };
      const reply = await send('profiles', { type: 'profile', attributes });
      expect([reply.status, reply.body]).toEqual([202, '']);
    }
    const kim = await profileOf('kim@alpha.example');
    expect(kim?.attributes).toMatchObject({ first_name: 'Kimberly' });
  });

  it('subscribes to a list', async () => {
    const list = await createList('single_opt_in');
    const attributes = {
      email: 'kim@alpha.example',
      subscriptions: { email: { marketing: { consent: 'SUBSCRIBED' } } },
    };
    const reply = await send('subscriptions', {
      type: 'subscription',
      attributes: { custom_source: 'Footer', profile: { data: { type: 'profile', attributes } } },
      relationships: listOf(list),
    });
    expect(reply.status).toBe(202);
    expect(await idsAt(`/api/lists/${list}/profiles`)).toHaveLength(1);
  });
});

describe('the end of a profile', () => {
  const addProfile = async (attributes: object) =>
    (await test.post('/api/profiles', { data: { type: 'profile', attributes } })).text('data.id');
  const sendEvent = async (id: string, unique_id: string) => {
    const attributes = {
      properties: {},
      unique_id,
      metric: { data: { type: 'metric', attributes: { name: 'Placed Order' } } },
      profile: { data: { type: 'profile', id, attributes: {} } },
    };
    await test.post('/api/events', { data: { type: 'event', attributes } });
  };
  const merge = (id: string, source: string) =>
    test.post('/api/profile-merge', {
      data: {
        type: 'profile-merge',
        id,
        relationships: { profiles: { data: [{ type: 'profile', id: source }] } },
      },
    });
  const remove = (profile: object) =>
    test.post('/api/data-privacy-deletion-jobs', {
      data: {
        type: 'data-privacy-deletion-job',
        attributes: { profile: { data: { type: 'profile', ...profile } } },
      },
    });

  it('is a merge: attributes, events and lists move to another, each event once', async () => {
    const list = await createList('single_opt_in');
    const source = await addProfile({ email: 'kim@alpha.example', properties: { a: 1, b: 1 } });
    const id = await addProfile({ external_id: 'e-1', first_name: 'Kim', properties: { b: 2 } });
    const data = [{ type: 'profile', id: source }];
    await test.post(`/api/lists/${list}/relationships/profiles`, { data });
    await sendEvent(source, 'o-1');
    await sendEvent(source, 'o-2');
    await sendEvent(id, 'o-2');
    expect((await merge(id, 'nobody')).status).toBe(404);
    expect((await merge(id, id)).status).toBe(400);
    const merged = await merge(id, source);
    const links = { self: `${test.sandbox.url}/api/profiles/${id}/` };
    expect([merged.status, merged.at('data')]).toEqual([
      202,
      { type: 'profile', id, attributes: {}, links },
    ]);
    expect((await test.get(`/api/profiles/${source}`)).status).toBe(404);
    expect((await test.get(`/api/profiles/${id}`)).at('data.attributes')).toMatchObject({
      email: 'kim@alpha.example',
      external_id: 'e-1',
      properties: { a: 1, b: 2 },
      last_event_date: expect.any(String) as string,
    });
    expect(await idsAt(`/api/events?filter=equals(profile_id,"${id}")`)).toHaveLength(2);
    expect(await idsAt('/api/events')).toHaveLength(2);
    expect(await idsAt(`/api/lists/${list}/profiles`)).toEqual([id]);
    expect((await profileOf('kim@alpha.example'))?.id).toBe(id);
  });

  it('is a deletion: its events and memberships go, its address is free', async () => {
    const id = await addProfile({ email: 'kim@alpha.example' });
    await sendEvent(id, 'o-1');
    expect((await remove({ id, attributes: { email: 'kim@alpha.example' } })).status).toBe(400);
    expect((await remove({})).status).toBe(400);
    expect((await remove({ attributes: { email: 'nobody@alpha.example' } })).status).toBe(404);
    expect((await remove({ attributes: { email: 'KIM@alpha.example' } })).status).toBe(202);
    expect((await test.get(`/api/profiles/${id}`)).status).toBe(404);
    expect(await idsAt('/api/events')).toEqual([]);
    expect(await addProfile({ email: 'kim@alpha.example' })).not.toBe(id);
  });
});
