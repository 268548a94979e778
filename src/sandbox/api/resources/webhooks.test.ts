import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestSandbox, type TestSandbox } from '../../../../test/support/sandbox-client.ts';

let test: TestSandbox;
beforeEach(async () => {
  test = await startTestSandbox();
});
afterEach(() => test.sandbox.close());

const webhook = (attributes: object = {}, topics = ['event:klaviyo.sent_sms']) => ({
  data: {
    type: 'webhook',
    attributes: {
      name: 'Orders',
      endpoint_url: 'https://app.example/hooks',
      secret_key: 'whsec-1',
      ...attributes,
    },
    relationships: {
      'webhook-topics': { data: topics.map((id) => ({ type: 'webhook-topic', id })) },
    },
  },
});

describe('webhooks', () => {
  it.each([
    ['plain http', { endpoint_url: 'http://app.example' }, '/data/attributes/endpoint_url'],
    ['no secret', { secret_key: undefined }, '/data/attributes/secret_key'],
  ])('are not created with %s', async (_, attributes, pointer) => {
    const reply = await test.post('/api/webhooks', webhook(attributes));
    expect([reply.status, reply.at('errors.0.source.pointer')]).toEqual([400, pointer]);
  });

  it('know the topics of the account, which follow its metrics', async () => {
    const topics = await test.get('/api/webhook-topics');
    const ids = (topics.at('data') as { id: string }[]).map(({ id }) => id);
    expect(ids).toContain('event:klaviyo.sent_sms');
    expect(ids).toContain('event:klaviyo.received_email');
    expect(ids).not.toContain('event:klaviyo.placed_order');
    const one = await test.get('/api/webhook-topics/event:klaviyo.received_email');
    expect(one.at('data.id')).toBe('event:klaviyo.received_email');
    const stranger = await test.post('/api/webhooks', webhook({}, ['event:klaviyo.nothing']));
    expect(stranger.status).toBe(400);
  });

  it('are created, read, switched off and deleted, and never show their secret', async () => {
    const created = await test.post('/api/webhooks', webhook());
    expect(created.status).toBe(201);
    expect(created.at('data')).toMatchObject({
      attributes: { name: 'Orders', description: null, enabled: true },
      relationships: { 'webhook-topics': { data: [{ id: 'event:klaviyo.sent_sms' }] } },
    });
    const id = created.text('data.id');
    const data = { type: 'webhook', id, attributes: { enabled: false, secret_key: 'whsec-2' } };
    const changed = await test.api('PATCH', `/api/webhooks/${id}`, 'pk_alphafull', { data });
    expect(changed.at('data.attributes.enabled')).toBe(false);
    const list = await test.get('/api/webhooks?include=webhook-topics');
    expect(list.at('included.0.id')).toBe('event:klaviyo.sent_sms');
    for (const { body } of [created, changed, list]) expect(body).not.toContain('whsec');
    expect((await test.api('DELETE', `/api/webhooks/${id}`, 'pk_alphafull')).status).toBe(204);
    expect((await test.get(`/api/webhooks/${id}`)).status).toBe(404);
  });
});

describe('templates', () => {
  const template = (attributes: object) => ({ data: { type: 'template', attributes } });

  it('of HTML are created, changed, cloned and deleted; others answer 501', async () => {
    const attributes = { name: 'Hello', editor_type: 'CODE', html: '<p>Hello</p>' };
    const dragged = template({ ...attributes, editor_type: 'SYSTEM_DRAGGABLE' });
    expect((await test.post('/api/templates', dragged)).status).toBe(501);
    const created = await test.post('/api/templates', template(attributes));
    expect(created.at('data.attributes')).toMatchObject({ ...attributes, text: null });
    const id = created.text('data.id');
    const data = { type: 'template', id, attributes: { name: 'Twin' } };
    const clone = await test.post('/api/template-clone', { data });
    expect(clone.at('data.attributes')).toMatchObject({ name: 'Twin', html: '<p>Hello</p>' });
    const change = { data: { type: 'template', id, attributes: { html: '<p>Hi</p>' } } };
    await test.api('PATCH', `/api/templates/${id}`, 'pk_alphafull', change);
    expect((await test.get(`/api/templates/${id}`)).at('data.attributes.html')).toBe('<p>Hi</p>');
    expect((await test.get('/api/templates?filter=contains(name,"Tw")')).at('data.length')).toBe(1);
    expect((await test.api('DELETE', `/api/templates/${id}`, 'pk_alphafull')).status).toBe(200);
    expect((await test.get('/api/templates')).at('data.length')).toBe(1);
  });
});
