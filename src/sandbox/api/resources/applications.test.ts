import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  appOne,
  startTestSandbox,
  testSeed,
  type TestSandbox,
} from '../../../../test/support/sandbox-client.ts';

const revision = '2026-07-15.pre';
const owner = 'Klaviyo-API-Key pk_alphafull';
const stranger = 'Klaviyo-API-Key pk_betafull';

let test: TestSandbox;
beforeEach(async () => {
  test = await startTestSandbox({ seed: { ...testSeed, installs: [] } });
});
afterEach(() => test.sandbox.close());

const call = (path: string, authorization: string, method = 'GET') =>
  test.request(path, { method, headers: { authorization, revision } });
const install = (accountId: string) =>
  `Bearer ${test.sandbox.install({ accountId, clientId: appOne.clientId }).accessToken}`;
const idsAt = async (path: string, authorization: string) =>
  ((await call(path, authorization)).at('data') as { id: string }[]).map(({ id }) => id);

async function applicationId(): Promise<string> {
  const apps = (await call('/api/applications', owner)).at('data') as {
    id: string;
    attributes: { client_id: string };
  }[];
  return apps.find(({ attributes }) => attributes.client_id === appOne.clientId)?.id ?? '';
}

describe('the Applications API', () => {
  it('shows an app to the key of the account that registered it, as it is registered', async () => {
    const reply = await call(`/api/applications/${await applicationId()}`, owner);
    expect(reply.at('data.attributes')).toMatchObject({
      name: appOne.name,
      client_id: appOne.clientId,
      scopes: appOne.scopes,
      oauth_callback_urls: appOne.redirectUris,
    });
    expect(reply.body).not.toContain(appOne.clientSecret);
    const path = `/api/applications/${await applicationId()}`;
    expect((await call(path, stranger)).status).toBe(404);
    install('BBB222');
    const seen = await call(path, stranger);
    expect(seen.at('data.attributes.oauth_callback_urls')).toBeUndefined();
  });

  it('lists every install to the owner, newest first and page by page', async () => {
    install('AAA111');
    void test.clock.advance(60_000);
    install('BBB222');
    const path = `/api/applications/${await applicationId()}/application-installs`;
    const id = await applicationId();
    expect(await idsAt(path, owner)).toEqual([`${id}:BBB222`, `${id}:AAA111`]);
    const first = await call(`${path}?page[size]=1`, owner);
    install('BBB222');
    const next = first.text('links.next').slice(test.sandbox.url.length);
    expect(await idsAt(next, owner)).toEqual([`${id}:AAA111`]);
    expect((await call(path, stranger)).status).toBe(404);
  });

  it('shows an app its own install without a scope, tells the account, and removes it', async () => {
    const token = install('BBB222');
    install('AAA111');
    const [own = ''] = await idsAt('/api/application-installs', token);
    expect(await idsAt('/api/application-installs', token)).toHaveLength(1);
    const reply = await call(`/api/application-installs/${own}?include=application`, token);
    expect(reply.at('data.relationships.account.data.id')).toBe('BBB222');
    expect(reply.at('included.0.attributes.client_id')).toBe(appOne.clientId);
    const other = own.replace('BBB222', 'AAA111');
    expect((await call(`/api/application-installs/${other}`, token, 'DELETE')).status).toBe(404);
    expect((await call(`/api/application-installs/${own}`, token, 'DELETE')).status).toBe(204);
    expect((await call('/api/application-installs', token)).status).toBe(401);
  });

  it('needs scopes of a private key, and answers 501 to what it lacks', async () => {
    const reader = 'Klaviyo-API-Key pk_alphametrics';
    const refused = await call('/api/application-installs', reader);
    expect([refused.status, refused.text('errors.0.detail')]).toEqual([
      403,
      expect.stringMatching(/missing required scopes: applications:read$/),
    ]);
    expect((await call('/api/applications', owner, 'POST')).status).toBe(501);
  });
});
