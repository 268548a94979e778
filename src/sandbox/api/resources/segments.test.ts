import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  startTestSandbox,
  testSeed,
  type TestSandbox,
} from '../../../../test/support/sandbox-client.ts';

const [alpha, ...others] = testSeed.accounts;
const seed = {
  ...testSeed,
  accounts: [
    {
      ...alpha!,
      lists: [{ name: 'News', optIn: 'single_opt_in' as const, profiles: ['ada@alpha.example'] }],
      segments: [{ name: 'Buyers', profiles: ['ada@alpha.example'] }, { name: 'Nobody' }],
      flows: [
        { name: 'Thank you', trigger: { metric: 'Placed Order' } },
        { name: 'Welcome', status: 'draft' as const, trigger: { list: 'News' } },
        { name: 'Win back', trigger: { segment: 'Buyers' } },
        { name: 'Unfinished' },
      ],
      templates: [{ name: 'Hello', html: '<p>Hello</p>' }],
    },
    ...others,
  ],
};

let test: TestSandbox;
beforeEach(async () => {
  test = await startTestSandbox({ seed });
});
afterEach(() => test.sandbox.close());

const key = 'pk_alphafull';
const list = async (path: string) =>
  (await test.get(path)).at('data') as { id: string; attributes: { name: string } }[];
const names = async (path: string) => (await list(path)).map(({ attributes }) => attributes.name);
const idOf = async (path: string, name: string) =>
  (await list(path)).find(({ attributes }) => attributes.name === name)?.id ?? '';

describe('segments', () => {
  it('are seeded with their members', async () => {
    expect(await names('/api/segments?sort=-name')).toEqual(['Nobody', 'Buyers']);
    const id = await idOf('/api/segments', 'Buyers');
    const members = await test.get(`/api/segments/${id}/profiles`);
    expect(members.at('data.0.attributes.email')).toBe('ada@alpha.example');
    const ada = members.text('data.0.id');
    expect((await test.get(`/api/segments/${id}/relationships/profiles`)).at('data')).toEqual([
      { type: 'profile', id: ada },
    ]);
    expect(await names(`/api/profiles/${ada}/segments`)).toEqual(['Buyers']);
    expect(await names(`/api/profiles/${ada}/lists`)).toEqual(['News']);
    const counted = await test.get(`/api/segments/${id}?additional-fields[segment]=profile_count`);
    expect(counted.at('data.attributes')).toMatchObject({ is_active: true, profile_count: 1 });
  });

  it('are made, renamed and deleted', async () => {
    const id = await idOf('/api/segments', 'Buyers');
    const change = (attributes: object) =>
      test.api('PATCH', `/api/segments/${id}`, key, { data: { type: 'segment', id, attributes } });
    const starred = await change({ is_starred: true, name: 'Customers' });
    expect(starred.at('data.attributes')).toMatchObject({ is_starred: true, name: 'Customers' });
    expect((await change({ definition: { condition_groups: [] } })).status).toBe(400);
    expect((await test.post('/api/segments', {})).status).toBe(400);
    expect((await test.api('DELETE', `/api/segments/${id}`, key)).status).toBe(204);
    expect(await names('/api/segments')).toEqual(['Nobody']);
  });

  it('have the same ids after every start', async () => {
    await using again = await startTestSandbox({ seed });
    const ids = (reply: Awaited<ReturnType<typeof test.get>>) =>
      (reply.at('data') as { id: string }[]).map(({ id }) => id);
    for (const path of ['/api/segments', '/api/lists', '/api/flows', '/api/templates']) {
      expect(ids(await again.get(path))).toEqual(ids(await test.get(path)));
    }
  });
});

describe('flows', () => {
  it('are seeded, filtered, switched and deleted', async () => {
    expect(await names('/api/flows')).toEqual(['Thank you', 'Welcome', 'Win back', 'Unfinished']);
    expect(await names('/api/flows?filter=equals(status,"draft")')).toEqual(['Welcome']);
    expect(await names('/api/flows?filter=equals(trigger_type,"Metric")')).toEqual(['Thank you']);
    const id = await idOf('/api/flows', 'Welcome');
    const data = { type: 'flow', id, attributes: { status: 'live' } };
    const live = await test.api('PATCH', `/api/flows/${id}`, key, { data });
    expect(live.at('data.attributes')).toMatchObject({ status: 'live', archived: false });
    expect((await test.api('DELETE', `/api/flows/${id}`, key)).status).toBe(204);
    expect((await test.get(`/api/flows/${id}`)).status).toBe(404);
  });

  it('are found by what starts them', async () => {
    const metric = await idOf('/api/metrics', 'Placed Order');
    const news = await idOf('/api/lists', 'News');
    const buyers = await idOf('/api/segments', 'Buyers');
    expect(await names(`/api/metrics/${metric}/flow-triggers`)).toEqual(['Thank you']);
    expect(await names(`/api/lists/${news}/flow-triggers`)).toEqual(['Welcome']);
    expect(await names(`/api/segments/${buyers}/flow-triggers`)).toEqual(['Win back']);
    const ids = (await test.get(`/api/metrics/${metric}/relationships/flow-triggers`)).at('data');
    expect(ids).toEqual([{ type: 'flow', id: await idOf('/api/flows', 'Thank you') }]);
    const included = await test.get(`/api/metrics/${metric}?include=flow-triggers`);
    expect(included.at('included.0.attributes.name')).toBe('Thank you');
  });
});

it('seeds templates', async () => {
  const id = await idOf('/api/templates', 'Hello');
  const template = await test.get(`/api/templates/${id}`);
  expect(template.at('data.attributes')).toMatchObject({
    editor_type: 'CODE',
    html: '<p>Hello</p>',
  });
});
