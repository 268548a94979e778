import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestSandbox, type TestSandbox } from '../../../../test/support/sandbox-client.ts';

let test: TestSandbox;
beforeEach(async () => {
  test = await startTestSandbox();
});
afterEach(() => test.sandbox.close());

const create = (attributes: object, key?: string) =>
  test.post('/api/profiles', { data: { type: 'profile', attributes } }, key);
const update = (id: string, attributes: object, data: object = {}) =>
  test.api('PATCH', `/api/profiles/${id}`, 'pk_alphafull', {
    data: { type: 'profile', id, attributes, ...data },
  });

const nested = (levels: number) =>
  `{"data":{"type":"profile","attributes":{"email":"a@b.co","properties":${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}}}}`;

describe('POST /api/profiles', () => {
  it.each([
    ['no data', {}, '/data'],
    ['a list', [], '/'],
    ['another type', { data: { type: 'list', attributes: { email: 'a@b.co' } } }, '/data/type'],
    ['no attributes', { data: { type: 'profile' } }, '/data/attributes'],
    [
      'an address that is none',
      { data: { type: 'profile', attributes: { email: 'nope' } } },
      '/data/attributes/email',
    ],
    [
      'a phone number that is none',
      { data: { type: 'profile', attributes: { phone_number: '555' } } },
      '/data/attributes/phone_number',
    ],
    [
      'an attribute Klaviyo does not have',
      { data: { type: 'profile', attributes: { email: 'a@b.co', nick: 'x' } } },
      '/data/attributes',
    ],
    [
      'no identifier',
      { data: { type: 'profile', attributes: { first_name: 'A' } } },
      '/data/attributes',
    ],
  ])('refuses %s with 400 and a pointer', async (_, body, pointer) => {
    const reply = await test.post('/api/profiles', body);
    expect(reply.status).toBe(400);
    expect(reply.at('errors.0')).toMatchObject({ code: 'invalid', source: { pointer } });
  });

  it.each([
    ['text that is not JSON', '{"data":', 'application/json', 400],
    ['JSON nested without end', '['.repeat(100_000), 'application/json', 400],
    ['nesting past any use', nested(500), 'application/json', 400],
    ['an empty body', '', 'application/vnd.api+json', 400],
    ['a form', 'a=b', 'application/x-www-form-urlencoded', 415],
  ])('refuses %s', async (_, body, type, status) => {
    const authorization = 'Klaviyo-API-Key pk_alphafull';
    const reply = await test.request('/api/profiles', {
      method: 'POST',
      headers: { authorization, revision: '2026-07-15', 'content-type': type },
      body,
    });
    expect(reply.status).toBe(status);
  });

  it('refuses an identifier that a profile has already, and names that profile', async () => {
    const phone_number = '+15005550006';
    const created = await create({ email: 'Sam@Alpha.example', phone_number, external_id: 'e-1' });
    expect(created.status).toBe(201);
    for (const attributes of [
      { email: 'sam@alpha.EXAMPLE' },
      { email: 'new@alpha.example', phone_number },
      { external_id: 'e-1' },
    ]) {
      const reply = await create(attributes);
      expect(reply.status).toBe(409);
      expect(reply.at('errors.0')).toMatchObject({
        code: 'duplicate_profile',
        title: 'Conflict.',
        meta: { duplicate_profile_id: created.at('data.id') },
      });
    }
    expect((await create({ email: 'sam@alpha.example' }, 'pk_betafull')).status).toBe(201);
  });

  it('says 501 to patches of identifiers instead of ignoring them', async () => {
    const meta = { patch_identifiers: { append: { email: 'b@b.co' } } };
    const data = { type: 'profile', attributes: { email: 'a@b.co' }, meta };
    expect((await test.post('/api/profiles', { data })).status).toBe(501);
  });

  it('answers 201 with the profile, which can then be read by its id', async () => {
    const properties = { tier: 'gold', ['__proto__']: { polluted: true } };
    const created = await create({ email: 'kim@alpha.example', first_name: 'Kim', properties });
    expect(created.status).toBe(201);
    expect(created.at('data')).toMatchObject({
      type: 'profile',
      id: expect.stringMatching(/^[0-9A-HJKMNP-TV-Z]{26}$/),
      attributes: { email: 'kim@alpha.example', first_name: 'Kim', last_name: null },
    });
    const read = await test.get(`/api/profiles/${created.text('data.id')}/`);
    for (const part of ['id', 'attributes', 'links']) {
      expect(read.at(`data.${part}`)).toEqual(created.at(`data.${part}`));
    }
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect((await test.get(`/api/profiles/${created.text('data.id')}`, 'pk_betafull')).status).toBe(
      404,
    );
  });
});

describe('PATCH /api/profiles/{id}', () => {
  it('refuses an unknown id, an id that is not the path’s, and another profile’s address', async () => {
    const created = await create({ email: 'kim@alpha.example' });
    const id = created.text('data.id');
    expect((await update('nobody', {})).status).toBe(404);
    expect((await update(id, {}, { id: 'other' })).status).toBe(400);
    const conflict = await update(id, { email: 'ada@alpha.example' });
    expect(conflict.status).toBe(409);
    expect(conflict.text('errors.0.meta.duplicate_profile_id')).not.toBe(id);
  });

  it('changes what is named, clears what is null, merges properties and keeps the rest', async () => {
    const created = await create({
      email: 'kim@alpha.example',
      first_name: 'Kim',
      last_name: 'Lee',
      properties: { a: 1, b: 2 },
      location: { city: 'Boston' },
    });
    const id = created.text('data.id');
    await test.clock.advance(60_000);
    const reply = await update(id, {
      first_name: 'Kimberly',
      last_name: null,
      properties: { b: 3 },
      location: null,
    });
    expect(reply.status).toBe(200);
    expect(reply.at('data.attributes')).toMatchObject({
      email: 'kim@alpha.example',
      first_name: 'Kimberly',
      last_name: null,
      properties: { a: 1, b: 3 },
      location: {},
      created: created.at('data.attributes.created'),
    });
    expect(reply.at('data.attributes.updated')).not.toBe(created.at('data.attributes.updated'));
  });

  it('appends to, takes from and removes custom properties', async () => {
    const properties = { tags: ['a'], gone: 1, kept: 2 };
    const id = (await create({ email: 'kim@alpha.example', properties })).text('data.id');
    const patch_properties = { append: { tags: ['b', 'c'], fresh: 1 }, unset: ['gone'] };
    await update(id, {}, { meta: { patch_properties } });
    const reply = await update(
      id,
      {},
      { meta: { patch_properties: { unappend: { tags: 'a' }, unset: 'fresh' } } },
    );
    expect(reply.at('data.attributes.properties')).toEqual({ tags: ['b', 'c'], kept: 2 });
  });

  it('frees an address that is given up, and keeps the own one', async () => {
    const id = (await create({ email: 'kim@alpha.example' })).text('data.id');
    expect((await update(id, { email: 'KIM@alpha.example' })).status).toBe(200);
    expect((await update(id, { email: 'kim2@alpha.example' })).status).toBe(200);
    expect((await create({ email: 'kim@alpha.example' })).status).toBe(201);
    expect((await create({ email: 'kim2@alpha.example' })).status).toBe(409);
  });
});

describe('GET /api/profiles', () => {
  it.each(['page[size]=0', 'page[size]=101', 'page[size]=ten', 'page[cursor]=nope', 'colour=red'])(
    'refuses %s with 400 and names the parameter',
    async (query) => {
      const reply = await test.get(`/api/profiles?${query}`);
      expect(reply.status).toBe(400);
      expect(reply.at('errors.0.source.parameter')).toBe(query.split('=')[0]);
    },
  );

  it.each([
    ['filter=equals(colour,"red")', 400],
    ['filter=equals(email,"a@b.co"', 400],
    ['filter=equals(email,a@b.co)', 400],
    ['filter=contains(email,"a")', 400],
    ['sort=first_name', 400],
    ['fields[profile]=shoe_size', 400],
    ['fields[list]=name', 400],
    ['include=lists', 400],
    ['include=push-tokens', 501],
    ['filter=or(equals(email,"a@b.co"),equals(id,"x"))', 501],
    ['filter=equals(_kx,"x")', 501],
  ])('answers %s with %i', async (query, status) => {
    const reply = await test.get(`/api/profiles?${query}`);
    expect(reply.status).toBe(status);
    if (status === 400) expect(reply.at('errors.0.source.parameter')).toBe(query.split('=')[0]);
    else expect(reply.headers.get('keyshift-sandbox')).toBe('not-implemented');
  });

  it('finds by identifiers, in any case of an address, and by time', async () => {
    const { text } = await create({ email: 'Kim@Alpha.example', external_id: 'e-1' });
    await test.clock.advance(3_600_000);
    await create({ email: 'lee@alpha.example', phone_number: '+15005550006' });
    const found = async (filter: string) => {
      const reply = await test.get(`/api/profiles?filter=${encodeURIComponent(filter)}`);
      return (reply.at('data') as { attributes: { email: string } }[]).map(
        ({ attributes }) => attributes.email,
      );
    };
    expect(await found('equals(email,"kim@alpha.EXAMPLE")')).toEqual(['Kim@Alpha.example']);
    expect(await found('equals(email,"nobody@alpha.example")')).toEqual([]);
    expect(await found('any(email,["lee@alpha.example","kim@alpha.example"])')).toEqual([
      'Kim@Alpha.example',
      'lee@alpha.example',
    ]);
    expect(await found('equals(phone_number,"+15005550006")')).toEqual(['lee@alpha.example']);
    expect(await found(`equals(id,"${text('data.id')}")`)).toEqual(['Kim@Alpha.example']);
    expect(await found(`equals(external_id,'e-1')`)).toEqual(['Kim@Alpha.example']);
    const middle = new Date(test.clock.now() - 60_000).toISOString();
    expect(await found(`greater-than(created,${middle})`)).toEqual(['lee@alpha.example']);
    expect(await found(`less-than(created,${middle}),equals(external_id,"e-1")`)).toEqual([
      'Kim@Alpha.example',
    ]);
    expect(await found(`and(less-than(created,${middle}),equals(external_id,"e-2"))`)).toEqual([]);
  });

  it('sorts, pages in that order both ways, and refuses a cursor of another order', async () => {
    for (const name of ['d', 'b', 'e', 'c']) await create({ email: `${name}@alpha.example` });
    const page = async (path: string) => {
      const reply = await test.get(path);
      const emails = (reply.at('data') as { attributes: { email: string } }[]).map(
        ({ attributes }) => attributes.email[0],
      );
      const linkTo = (name: string) => reply.text(`links.${name}`).slice(test.sandbox.url.length);
      return { emails: emails.join(''), next: linkTo('next'), prev: linkTo('prev'), reply };
    };
    const first = await page('/api/profiles?sort=-email&page[size]=2');
    const second = await page(first.next);
    const third = await page(second.next);
    expect([first.emails, second.emails, third.emails]).toEqual(['ed', 'cb', 'a']);
    expect(third.reply.at('links.next')).toBeNull();
    expect(first.reply.at('links.prev')).toBeNull();
    expect((await page(second.prev)).emails).toBe('ed');
    expect((await page(third.prev)).emails).toBe('cb');
    const strange = new URL(`${test.sandbox.url}${first.next}`).searchParams.get('page[cursor]');
    expect((await test.get(`/api/profiles?page[cursor]=${strange}`)).status).toBe(400);
  });

  it('shows the fields asked for, nested ones too, and additional ones on request', async () => {
    const location = { city: 'Boston', zip: '02110' };
    const properties = { tier: 'gold', shoe: 42 };
    const id = (await create({ email: 'kim@alpha.example', location, properties })).text('data.id');
    const fields = 'email,location.city,properties.tier';
    const sparse = await test.get(`/api/profiles/${id}?fields[profile]=${fields}`);
    expect(sparse.at('data.attributes')).toEqual({
      email: 'kim@alpha.example',
      location: { city: 'Boston' },
      properties: { tier: 'gold' },
    });
    expect((await test.get(`/api/profiles/${id}`)).at('data.attributes.subscriptions')).toBe(
      undefined,
    );
    const more = await test.get(`/api/profiles/${id}?additional-fields[profile]=subscriptions`);
    expect(more.at('data.attributes.subscriptions.email.marketing')).toMatchObject({
      consent: 'NEVER_SUBSCRIBED',
      can_receive_email_marketing: true,
    });
  });

  it('pages through all profiles by links.next, each once', async () => {
    for (let index = 0; index < 24; index++) await create({ email: `p${index}@alpha.example` });
    expect((await test.get('/api/profiles')).at('data.length')).toBe(20);
    const seen: unknown[] = [];
    let next = '/api/profiles?page[size]=10';
    const sizes: unknown[] = [];
    while (next) {
      const reply = await test.get(next);
      sizes.push(reply.at('data.length'));
      seen.push(...(reply.at('data') as { id: string }[]).map(({ id }) => id));
      expect(reply.at('links.self')).toBe(test.sandbox.url + next);
      next =
        reply.at('links.next') === null
          ? ''
          : reply.text('links.next').slice(test.sandbox.url.length);
    }
    expect(sizes).toEqual([10, 10, 5]);
    expect(new Set(seen).size).toBe(25);
  });
});

describe('POST /api/profile-import', () => {
  const save = (data: object) =>
    test.post('/api/profile-import', { data: { type: 'profile', ...data } });

  it('creates a profile with 201, then updates it with 200, by identifier or by id', async () => {
    const created = await save({ attributes: { email: 'kim@alpha.example', first_name: 'Kim' } });
    expect(created.status).toBe(201);
    const id = created.text('data.id');
    const updated = await save({ attributes: { email: 'KIM@alpha.example', last_name: 'Lee' } });
    expect([updated.status, updated.at('data.id')]).toEqual([200, id]);
    const byId = await save({ id, attributes: { title: 'Dr' } });
    expect(byId.at('data.attributes')).toMatchObject({
      first_name: 'Kim',
      last_name: 'Lee',
      title: 'Dr',
    });
  });

  it('refuses an unknown id, no identifier, and an identifier of another profile', async () => {
    const id = (await create({ email: 'kim@alpha.example' })).text('data.id');
    expect((await save({ id: 'nobody', attributes: {} })).status).toBe(404);
    expect((await save({ attributes: { first_name: 'A' } })).status).toBe(400);
    expect((await save({ id, attributes: { email: 'ada@alpha.example' } })).status).toBe(409);
  });
});
