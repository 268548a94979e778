import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestSandbox, type TestSandbox } from '../../../../test/support/sandbox-client.ts';

let test: TestSandbox;
beforeEach(async () => {
  test = await startTestSandbox();
});
afterEach(() => test.sandbox.close());

const key = 'pk_alphafull';
const idOf = (external: string) => `$custom:::$default:::${external}`;
const at = (path: string, id: string, rest = '') => `/api/${path}/${encodeURIComponent(id)}${rest}`;
const ids = async (path: string) =>
  ((await test.get(path)).at('data') as { id: string }[]).map(({ id }) => id.split(':').at(-1));

const createItem = (external_id: string, attributes: object = {}, relationships?: object) =>
  test.post('/api/catalog-items', {
    data: {
      type: 'catalog-item',
      attributes: {
        external_id,
        title: `Title of ${external_id}`,
        description: 'Soft',
        url: 'https://shop.example/x',
        ...attributes,
      },
      ...(relationships && { relationships }),
    },
  });
const createCategory = (external_id: string) =>
  test.post('/api/catalog-categories', {
    data: { type: 'catalog-category', attributes: { external_id, name: external_id } },
  });
const createVariant = (external_id: string, item: string) =>
  test.post('/api/catalog-variants', {
    data: {
      type: 'catalog-variant',
      attributes: {
        external_id,
        title: external_id,
        description: 'Soft',
        sku: `sku-${external_id}`,
        inventory_quantity: 3,
        price: 9.5,
        url: 'https://shop.example/x',
      },
      relationships: { item: { data: { type: 'catalog-item', id: idOf(item) } } },
    },
  });

describe('catalog items', () => {
  it('refuse what lacks a title, and an id that is taken', async () => {
    const lacking = await createItem('A', { title: undefined });
    expect([lacking.status, lacking.at('errors.0.source.pointer')]).toEqual([
      400,
      '/data/attributes/title',
    ]);
    expect((await createItem('A', { integration_type: 'shopify' })).status).toBe(400);
    expect((await createItem('A')).status).toBe(201);
    expect((await createItem('A')).status).toBe(409);
    expect((await createItem('A', { catalog_type: 'other' })).status).toBe(201);
  });

  it('have a compound id, which works percent-encoded and in clear', async () => {
    const created = await createItem('SKU 1', { price: 12.5, custom_metadata: { a: 1 } });
    const id = idOf('SKU 1');
    expect(created.at('data')).toMatchObject({
      type: 'catalog-item',
      id,
      attributes: { external_id: 'SKU 1', price: 12.5, published: true, custom_metadata: { a: 1 } },
    });
    expect(created.at('data.attributes.catalog_type')).toBeUndefined();
    expect((await test.get(at('catalog-items', id))).at('data.id')).toBe(id);
    await createItem('B');
    expect((await test.get(`/api/catalog-items/${idOf('B')}/`)).at('data.id')).toBe(idOf('B'));
  });

  it('are changed, filtered and deleted with their variants', async () => {
    await createItem('A');
    await createItem('B');
    const id = idOf('A');
    const attributes = { title: 'Blue Shirt', published: false };
    const body = { data: { type: 'catalog-item', id, attributes } };
    expect((await test.api('PATCH', at('catalog-items', id), key, body)).at('data')).toMatchObject({
      attributes: { title: 'Blue Shirt', published: false, description: 'Soft' },
    });
    expect(await ids('/api/catalog-items?filter=equals(published,false)')).toEqual(['A']);
    expect(await ids('/api/catalog-items?filter=contains(title,"Blue")')).toEqual(['A']);
    const wanted = encodeURIComponent(`any(ids,["${idOf('B')}"])`);
    expect(await ids(`/api/catalog-items?filter=${wanted}`)).toEqual(['B']);
    expect((await createVariant('A-1', 'nobody')).status).toBe(404);
    await createVariant('A-1', 'A');
    await createVariant('B-1', 'B');
    expect(await ids(at('catalog-items', id, '/variants'))).toEqual(['A-1']);
    const including = await test.get(at('catalog-items', id, '?include=variants'));
    expect(including.at('included.0.attributes.sku')).toBe('sku-A-1');
    expect(await ids(`/api/catalog-variants?filter=equals(sku,"sku-B-1")`)).toEqual(['B-1']);
    expect((await test.api('DELETE', at('catalog-items', id), key)).status).toBe(204);
    expect(await ids('/api/catalog-variants')).toEqual(['B-1']);
  });
});

describe('catalog categories', () => {
  const items = (method: string, category: string, list: readonly string[]) =>
    test.api(method, at('catalog-categories', idOf(category), '/relationships/items'), key, {
      data: list.map((item) => ({ type: 'catalog-item', id: idOf(item) })),
    });

  it('hold items, from both sides', async () => {
    for (const category of ['shirts', 'sale']) await createCategory(category);
    for (const item of ['A', 'B']) await createItem(item);
    expect((await items('POST', 'shirts', ['A', 'nobody'])).status).toBe(404);
    expect((await items('POST', 'shirts', ['A', 'B'])).status).toBe(204);
    expect(await ids(at('catalog-categories', idOf('shirts'), '/items'))).toEqual(['A', 'B']);
    expect(await ids(at('catalog-items', idOf('A'), '/categories'))).toEqual(['shirts']);
    await items('PATCH', 'shirts', ['B']);
    expect(await ids(at('catalog-categories', idOf('shirts'), '/items'))).toEqual(['B']);
    const path = at('catalog-items', idOf('B'), '/relationships/categories');
    const data = [{ type: 'catalog-category', id: idOf('sale') }];
    expect((await test.api('PATCH', path, key, { data })).status).toBe(204);
    expect(await ids(at('catalog-items', idOf('B'), '/relationships/categories'))).toEqual([
      'sale',
    ]);
    expect((await test.api('DELETE', path, key, { data })).status).toBe(204);
    expect(await ids(at('catalog-categories', idOf('sale'), '/items'))).toEqual([]);
  });

  it('take an item that is created in them', async () => {
    await createCategory('shirts');
    const categories = { data: [{ type: 'catalog-category', id: idOf('shirts') }] };
    expect((await createItem('A', {}, { categories })).status).toBe(201);
    expect(await ids(at('catalog-categories', idOf('shirts'), '/relationships/items'))).toEqual([
      'A',
    ]);
    expect((await test.api('DELETE', at('catalog-items', idOf('A')), key)).status).toBe(204);
    expect(await ids(at('catalog-categories', idOf('shirts'), '/items'))).toEqual([]);
  });
});

describe('bulk jobs of the catalog', () => {
  const begin = (job: string, parts: readonly object[]) =>
    test.post(`/api/${job}s`, {
      data: {
        type: job,
        attributes: { [job.includes('item') ? 'items' : 'categories']: { data: parts } },
      },
    });
  const item = (external_id: string) => ({
    type: 'catalog-item',
    attributes: { external_id, title: external_id, description: '', url: 'https://x.example' },
  });

  it('do what they can, count what they cannot, and say why', async () => {
    await createItem('A');
    const begun = await begin('catalog-item-bulk-create-job', [item('B'), item('A'), item('C')]);
    expect([begun.status, begun.at('data.attributes')]).toMatchObject([
      202,
      { status: 'processing', total_count: 3, completed_count: 0, failed_count: 0, errors: [] },
    ]);
    expect(await ids('/api/catalog-items')).toEqual(['A', 'B', 'C']);
    const path = `/api/catalog-item-bulk-create-jobs/${begun.text('data.id')}`;
    const done = await test.get(`${path}?include=items`);
    expect(done.at('data.attributes')).toMatchObject({
      status: 'complete',
      completed_count: 2,
      failed_count: 1,
      errors: [{ code: 'conflict', source: { pointer: '/data/attributes/items/data/1' } }],
    });
    expect(done.at('included.length')).toBe(2);
    expect((await test.get('/api/catalog-item-bulk-create-jobs')).at('data.length')).toBe(1);
  });

  it('change and delete', async () => {
    await createItem('A');
    await createCategory('shirts');
    const change = { type: 'catalog-item', id: idOf('A'), attributes: { title: 'New' } };
    await begin('catalog-item-bulk-update-job', [change]);
    expect((await test.get(at('catalog-items', idOf('A')))).at('data.attributes.title')).toBe(
      'New',
    );
    const gone = { type: 'catalog-category', id: idOf('nobody') };
    const present = { type: 'catalog-category', id: idOf('shirts') };
    const begun = await begin('catalog-category-bulk-delete-job', [gone, present]);
    const path = `/api/catalog-category-bulk-delete-jobs/${begun.text('data.id')}`;
    expect((await test.get(path)).at('data.attributes.failed_count')).toBe(1);
    expect(await ids('/api/catalog-categories')).toEqual([]);
  });

  it('refuse a part that is not as it should be before they begin', async () => {
    const wrong = { type: 'catalog-item', attributes: { external_id: 'X' } };
    const reply = await begin('catalog-item-bulk-create-job', [item('B'), wrong]);
    expect([reply.status, reply.at('errors.0.source.pointer')]).toEqual([
      400,
      '/data/attributes/items/data/1/attributes/title',
    ]);
    expect(await ids('/api/catalog-items')).toEqual([]);
  });
});

describe('coupons', () => {
  const coupon = (external_id: string) =>
    test.post('/api/coupons', { data: { type: 'coupon', attributes: { external_id } } });
  const code = (unique_code: string, couponId = '10OFF') => ({
    type: 'coupon-code',
    attributes: { unique_code },
    relationships: { coupon: { data: { type: 'coupon', id: couponId } } },
  });

  it('have codes, made one by one and in bulk, and end with them', async () => {
    expect((await coupon('10OFF')).at('data.id')).toBe('10OFF');
    expect((await coupon('10OFF')).status).toBe(409);
    expect((await test.post('/api/coupon-codes', { data: code('A', 'nobody') })).status).toBe(404);
    const made = await test.post('/api/coupon-codes', { data: code('A') });
    expect([made.status, made.at('data.id')]).toEqual([200, '10OFF-A']);
    const begun = await test.post('/api/coupon-code-bulk-create-jobs', {
      data: {
        type: 'coupon-code-bulk-create-job',
        attributes: { 'coupon-codes': { data: [code('A'), code('B')] } },
      },
    });
    const job = await test.get(`/api/coupon-code-bulk-create-jobs/${begun.text('data.id')}`);
    expect(job.at('data.attributes')).toMatchObject({ completed_count: 1, failed_count: 1 });
    const unfiltered = await test.get('/api/coupon-codes');
    expect([unfiltered.status, unfiltered.at('errors.0.source.parameter')]).toEqual([
      400,
      'filter',
    ]);
    const listed = await test.get(
      '/api/coupon-codes?filter=equals(coupon.id,"10OFF")&include=coupon',
    );
    expect([listed.at('data.length'), listed.at('included.0.id')]).toEqual([2, '10OFF']);
    expect((await test.get('/api/coupons/10OFF/coupon-codes')).at('data.length')).toBe(2);
    expect((await test.get('/api/coupon-codes/10OFF-A/coupon')).at('data.id')).toBe('10OFF');
    expect((await test.api('DELETE', '/api/coupons/10OFF', key)).status).toBe(204);
    expect((await test.get('/api/coupon-codes/10OFF-A')).status).toBe(404);
  });
});
