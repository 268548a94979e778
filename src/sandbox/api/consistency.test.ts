import { expect, it } from 'vitest';
import { startTestSandbox, type TestSandbox } from '../../../test/support/sandbox-client.ts';

const eventual = () => startTestSandbox({ settings: { consistency: 'eventual', settleSec: 2 } });

const event = {
  data: {
    type: 'event',
    attributes: {
      properties: {},
      metric: { data: { type: 'metric', attributes: { name: 'Placed Order' } } },
      profile: { data: { type: 'profile', attributes: { email: 'new@alpha.example' } } },
    },
  },
};
const countAt = async (test: TestSandbox, path: string) => (await test.get(path)).at('data.length');

it('shows an event and its profile a while after 202', async () => {
  await using test = await eventual();
  expect((await test.post('/api/events', event)).status).toBe(202);
  expect([await countAt(test, '/api/events'), await countAt(test, '/api/profiles')]).toEqual([
    0, 1,
  ]);
  await test.clock.advance(2_000);
  expect([await countAt(test, '/api/events'), await countAt(test, '/api/profiles')]).toEqual([
    1, 2,
  ]);
});

it('runs a job a while after it began', async () => {
  await using test = await eventual();
  const data = {
    type: 'profile-bulk-import-job',
    attributes: {
      profiles: { data: [{ type: 'profile', attributes: { email: 'new@alpha.example' } }] },
    },
  };
  const begun = await test.post('/api/profile-bulk-import-jobs', { data });
  const path = `/api/profile-bulk-import-jobs/${begun.text('data.id')}`;
  expect((await test.get(path)).at('data.attributes.status')).toBe('queued');
  await test.clock.advance(2_000);
  expect((await test.get(path)).at('data.attributes')).toMatchObject({
    status: 'complete',
    completed_count: 1,
  });
});

it('subscribes nobody new without a list, though it answers 202', async () => {
  await using test = await startTestSandbox();
  const subscriptions = { email: { marketing: { consent: 'SUBSCRIBED' } } };
  const profile = { type: 'profile', attributes: { email: 'new@alpha.example', subscriptions } };
  const data = {
    type: 'profile-subscription-bulk-create-job',
    attributes: { profiles: { data: [profile] } },
  };
  const reply = await test.post('/api/profile-subscription-bulk-create-jobs', { data });
  expect([reply.status, await countAt(test, '/api/profiles')]).toEqual([202, 1]);
});

it('has what was taken on in a snapshot', async () => {
  await using test = await eventual();
  await test.post('/api/events', event);
  test.sandbox.restore(test.sandbox.snapshot());
  expect(await countAt(test, '/api/events')).toBe(1);
});

it('refuses webhooks to a private key for want of the plan, unless told not to', async () => {
  await using test = await startTestSandbox({ settings: { planRefusals: true } });
  const status = async (path: string) => (await test.get(path)).status;
  expect(await status('/api/webhooks')).toBe(403);
  test.sandbox.changeSettings({ planRefusals: false });
  expect(await status('/api/webhooks')).toBe(200);
});

it('matches no metric by the category of its integration, and refuses a second catalog link', async () => {
  await using test = await startTestSandbox();
  expect(await countAt(test, '/api/metrics?filter=equals(integration.category,"API")')).toBe(0);
  const item = { external_id: 'A', title: 'A', description: '', url: 'https://x.example' };
  const made = await test.post('/api/catalog-items', {
    data: { type: 'catalog-item', attributes: item },
  });
  const category = await test.post('/api/catalog-categories', {
    data: { type: 'catalog-category', attributes: { external_id: 'C', name: 'C' } },
  });
  const path = `/api/catalog-categories/${category.text('data.id')}/relationships/items`;
  const link = { data: [{ type: 'catalog-item', id: made.text('data.id') }] };
  expect((await test.post(path, link)).status).toBe(204);
  expect((await test.post(path, link)).status).toBe(409);
});
