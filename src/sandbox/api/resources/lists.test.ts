import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestSandbox, type TestSandbox } from '../../../../test/support/sandbox-client.ts';

let test: TestSandbox;
beforeEach(async () => {
  test = await startTestSandbox();
});
afterEach(() => test.sandbox.close());

const create = (name: string) =>
  test.post('/api/lists', { data: { type: 'list', attributes: { name } } });
const key = 'pk_alphafull';
const members = (method: string, id: string, profileIds: readonly string[]) =>
  test.api(method, `/api/lists/${id}/relationships/profiles`, key, {
    data: profileIds.map((profileId) => ({ type: 'profile', id: profileId })),
  });
const idsAt = async (path: string) =>
  ((await test.get(path)).at('data') as { id: string }[]).map(({ id }) => id);
const addProfile = async (email: string) => {
  const data = { type: 'profile', attributes: { email } };
  return (await test.post('/api/profiles', { data })).text('data.id');
};

describe('lists', () => {
  it.each([
    ['no name', { opt_in_process: 'single_opt_in' }, '/data/attributes/name'],
    ['an empty name', { name: ' ' }, '/data/attributes/name'],
    ['another opt-in', { name: 'A', opt_in_process: 'none' }, '/data/attributes/opt_in_process'],
    ['an attribute of nobody', { name: 'A', colour: 'red' }, '/data/attributes'],
  ])('are not created with %s', async (_, attributes, pointer) => {
    const reply = await test.post('/api/lists', { data: { type: 'list', attributes } });
    expect([reply.status, reply.at('errors.0.source.pointer')]).toEqual([400, pointer]);
    expect(await idsAt('/api/lists')).toEqual([]);
  });

  it('are created, read, renamed and deleted, each account its own', async () => {
    const created = await create('News');
    expect(created.status).toBe(201);
    const id = created.text('data.id');
    expect(created.at('data')).toMatchObject({
      type: 'list',
      id: expect.stringMatching(/^\w{6}$/),
      attributes: { name: 'News', opt_in_process: 'double_opt_in' },
      links: { self: `${test.sandbox.url}/api/lists/${id}/` },
    });
    const body = { data: { type: 'list', id, attributes: { name: 'Letters' } } };
    const renamed = await test.api('PATCH', `/api/lists/${id}`, key, body);
    expect(renamed.at('data.attributes.name')).toBe('Letters');
    expect((await test.get(`/api/lists/${id}`)).at('data')).toEqual(renamed.at('data'));
    expect((await test.get(`/api/lists/${id}`, 'pk_betafull')).status).toBe(404);
    expect((await test.api('DELETE', `/api/lists/${id}`, key)).status).toBe(204);
    expect((await test.api('DELETE', `/api/lists/${id}`, key)).status).toBe(404);
  });

  it('are filtered, sorted and paged by ten', async () => {
    for (let index = 0; index < 11; index++) {
      await create(`List ${String(index).padStart(2, '0')}`);
      await test.clock.advance(1_000);
    }
    const first = await test.get('/api/lists?sort=-name');
    expect([first.at('data.length'), first.at('data.0.attributes.name')]).toEqual([10, 'List 10']);
    const second = await test.get(first.text('links.next').slice(test.sandbox.url.length));
    expect(second.at('data.0.attributes.name')).toBe('List 00');
    const named = encodeURIComponent('any(name,["List 03","List 07"])');
    expect((await test.get(`/api/lists?filter=${named}`)).at('data.length')).toBe(2);
    expect((await test.get('/api/lists?filter=contains(name,"List")')).status).toBe(400);
  });
});

describe('the profiles of a list', () => {
  it('are added and removed, all or none', async () => {
    const list = (await create('News')).text('data.id');
    const [ada = ''] = await idsAt('/api/profiles');
    const kim = await addProfile('kim@alpha.example');
    expect((await members('POST', list, [ada, 'nobody'])).status).toBe(404);
    expect(await idsAt(`/api/lists/${list}/profiles`)).toEqual([]);
    expect((await members('POST', list, [ada])).status).toBe(204);
    await test.clock.advance(60_000);
    expect((await members('POST', list, [ada, kim])).status).toBe(204);
    expect(await idsAt(`/api/lists/${list}/profiles`)).toEqual([ada, kim]);
    expect(await idsAt(`/api/lists/${list}/relationships/profiles`)).toEqual([ada, kim]);
    expect(await idsAt(`/api/profiles/${kim}/lists`)).toEqual([list]);
    expect(await idsAt(`/api/profiles/${kim}/relationships/lists`)).toEqual([list]);
    expect((await members('DELETE', list, [ada])).status).toBe(204);
    expect(await idsAt(`/api/lists/${list}/profiles`)).toEqual([kim]);
    expect(await idsAt(`/api/profiles/${ada}/lists`)).toEqual([]);
  });

  it('show when they joined, by which they are sorted and filtered', async () => {
    const list = (await create('News')).text('data.id');
    const [ada = ''] = await idsAt('/api/profiles');
    const kim = await addProfile('kim@alpha.example');
    await members('POST', list, [ada]);
    await test.clock.advance(60_000);
    await members('POST', list, [kim]);
    const path = `/api/lists/${list}/profiles`;
    expect(await idsAt(`${path}?sort=-joined_group_at`)).toEqual([kim, ada]);
    const joined = (await test.get(path)).text('data.1.attributes.joined_group_at');
    const since = encodeURIComponent(`greater-or-equal(joined_group_at,${joined})`);
    expect(await idsAt(`${path}?filter=${since}`)).toEqual([kim]);
    expect(await idsAt(`${path}?filter=equals(email,"ADA@alpha.example")`)).toEqual([ada]);
    expect((await test.get(`${path}?filter=equals(push_token,"x")`)).status).toBe(501);
    const counted = await test.get(`/api/lists/${list}?additional-fields[list]=profile_count`);
    expect(counted.at('data.attributes.profile_count')).toBe(2);
  });

  it('leave with their list', async () => {
    const list = (await create('News')).text('data.id');
    const [ada = ''] = await idsAt('/api/profiles');
    await members('POST', list, [ada]);
    await test.api('DELETE', `/api/lists/${list}`, key);
    expect(await idsAt(`/api/profiles/${ada}/lists`)).toEqual([]);
    expect((await test.get(`/api/lists/${list}/profiles`)).status).toBe(404);
  });
});

describe('tags', () => {
  const tag = async (name: string, group?: string) => {
    const relationships = group && { 'tag-group': { data: { type: 'tag-group', id: group } } };
    const data = { type: 'tag', attributes: { name }, ...(relationships && { relationships }) };
    return test.post('/api/tags', { data });
  };
  const tagLists = (method: string, tagId: string, listIds: readonly string[]) =>
    test.api(method, `/api/tags/${tagId}/relationships/lists`, key, {
      data: listIds.map((id) => ({ type: 'list', id })),
    });

  it('belong to the default group unless told otherwise, and can be found by their words', async () => {
    const id = (await tag('summer sale')).text('data.id');
    const groups = await test.get('/api/tag-groups');
    expect(groups.at('data.length')).toBe(1);
    expect(groups.at('data.0.attributes')).toMatchObject({ default: true, exclusive: false });
    const group = groups.text('data.0.id');
    expect((await test.get(`/api/tags/${id}/tag-group`)).at('data.id')).toBe(group);
    expect((await test.get(`/api/tags/${id}?include=tag-group`)).at('included.0.id')).toBe(group);
    expect(await idsAt('/api/tags?filter=starts-with(name,"summer")')).toEqual([id]);
    expect(await idsAt('/api/tags?filter=ends-with(name,"summer")')).toEqual([]);
    expect((await tag('x', 'nobody')).status).toBe(404);
    expect((await test.api('DELETE', `/api/tag-groups/${group}`, key)).status).toBe(400);
    const body = { data: { type: 'tag', id, attributes: { name: 'winter' } } };
    expect((await test.api('PATCH', `/api/tags/${id}`, key, body)).status).toBe(204);
    expect((await test.get(`/api/tags/${id}`)).at('data.attributes.name')).toBe('winter');
  });

  it('are put on lists and taken off, and go with them', async () => {
    const list = (await create('News')).text('data.id');
    const id = (await tag('summer')).text('data.id');
    expect((await tagLists('POST', id, ['nobody'])).status).toBe(404);
    expect((await tagLists('POST', id, [list])).status).toBe(204);
    expect(await idsAt(`/api/lists/${list}/tags`)).toEqual([id]);
    expect(await idsAt(`/api/tags/${id}/relationships/lists`)).toEqual([list]);
    const included = await test.get(`/api/lists?include=tags`);
    expect(included.at('included.0.attributes.name')).toBe('summer');
    expect((await tagLists('DELETE', id, [list])).status).toBe(204);
    expect(await idsAt(`/api/lists/${list}/tags`)).toEqual([]);
    await tagLists('POST', id, [list]);
    await test.api('DELETE', `/api/lists/${list}`, key);
    expect(await idsAt(`/api/tags/${id}/relationships/lists`)).toEqual([]);
  });

  it('of an exclusive group allow one on a list, and end with the group', async () => {
    const attributes = { name: 'Season', exclusive: true };
    const made = await test.post('/api/tag-groups', { data: { type: 'tag-group', attributes } });
    const group = made.text('data.id');
    const summer = (await tag('summer', group)).text('data.id');
    const winter = (await tag('winter', group)).text('data.id');
    const list = (await create('News')).text('data.id');
    await tagLists('POST', summer, [list]);
    expect((await tagLists('POST', summer, [list])).status).toBe(204);
    expect((await tagLists('POST', winter, [list])).status).toBe(400);
    expect(await idsAt(`/api/tag-groups/${group}/tags`)).toEqual([summer, winter]);
    await test.api('DELETE', `/api/tag-groups/${group}`, key);
    expect(await idsAt('/api/tags')).toEqual([]);
  });

  it('know the campaigns that have them', async () => {
    const id = (await tag('summer')).text('data.id');
    const reply = await test.get(`/api/tags/${id}/relationships/campaigns`);
    expect([reply.status, reply.at('data')]).toEqual([200, []]);
  });
});
