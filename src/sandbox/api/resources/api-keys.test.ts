import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { betaRevision } from '../../../klaviyo/operations.ts';
import { startTestSandbox, type TestSandbox } from '../../../../test/support/sandbox-client.ts';

let test: TestSandbox;
beforeEach(async () => {
  test = await startTestSandbox();
});
afterEach(() => test.sandbox.close());

const beta = (method: string, path: string, body?: object, key = 'pk_alphafull') =>
  test.request(path, {
    method,
    headers: {
      authorization: `Klaviyo-API-Key ${key}`,
      revision: betaRevision,
      'content-type': 'application/vnd.api+json',
    },
    ...(body && { body: JSON.stringify(body) }),
  });

interface ShownKey {
  readonly id: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}
const keys = async (query = '') => {
  const reply = await beta('GET', `/api/api-keys${query}`);
  return reply.at('data') as ShownKey[];
};
const keyNamed = async (name: string) =>
  (await keys()).find(({ attributes }) => attributes['name'] === name)!;
const patch = (id: string, attributes: object) =>
  beta('PATCH', `/api/api-keys/${id}`, { data: { type: 'api-key', id, attributes } });

describe('api-keys (beta)', () => {
  it('lists the keys of the account and never a key', async () => {
    const reply = await beta('GET', '/api/api-keys');
    expect(
      (await keys()).map(({ attributes }) => [attributes['name'], attributes['status']]),
    ).toEqual([
      ['Full', 'active'],
      ['Reader', 'active'],
      ['Metrics', 'active'],
      ['Off', 'disabled'],
    ]);
    expect(reply.body).not.toContain('pk_');
    const [full, reader, metrics] = await keys();
    expect(full?.attributes['scopes']).toContain('profiles:write');
    expect(reader?.attributes['scopes']).not.toContain('profiles:write');
    expect(metrics?.attributes['scopes']).toEqual(['metrics:read']);
    expect(metrics?.attributes['redacted_key']).toBeUndefined();
  });

  it('shows the end of a key when asked to', async () => {
    const [full] = await keys('?additional-fields[api-key]=redacted_key');
    expect(full?.attributes['redacted_key']).toBe('pk_****full');
    expect((await beta('GET', '/api/api-keys?additional-fields[api-key]=key')).status).toBe(400);
  });

  it('disables a key, which then stops authenticating, and enables it again', async () => {
    const { id } = await keyNamed('Metrics');
    expect((await test.get('/api/metrics', 'pk_alphametrics')).status).toBe(200);
    const disabled = await patch(id, { status: 'disabled' });
    expect([disabled.status, disabled.at('data.attributes.status')]).toEqual([200, 'disabled']);
    expect((await test.get('/api/metrics', 'pk_alphametrics')).status).toBe(401);
    await patch(id, { status: 'active', name: 'Renamed' });
    expect((await test.get('/api/metrics', 'pk_alphametrics')).status).toBe(200);
    expect((await beta('GET', `/api/api-keys/${id}`)).at('data.attributes.name')).toBe('Renamed');
  });

  it('changes the scopes of a key', async () => {
    const { id } = await keyNamed('Metrics');
    await patch(id, { scopes: ['lists:read'] });
    expect((await test.get('/api/metrics', 'pk_alphametrics')).status).toBe(403);
    expect((await test.get('/api/lists', 'pk_alphametrics')).status).toBe(200);
    expect((await patch(id, { scopes: ['everything:write'] })).status).toBe(400);
  });

  it('hides the keys of other accounts and refuses other words', async () => {
    const { id } = await keyNamed('Metrics');
    expect((await beta('GET', `/api/api-keys/${id}`, undefined, 'pk_betafull')).status).toBe(404);
    expect((await patch(id, { status: 'deleted' })).status).toBe(400);
    expect((await patch(id, { key: 'pk_new' })).status).toBe(400);
    expect((await beta('POST', '/api/api-keys', {})).status).toBe(405);
    expect((await beta('DELETE', `/api/api-keys/${id}`)).status).toBe(405);
  });
});
