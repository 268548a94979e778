import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { betaOperations, operations } from '../../klaviyo/operations.ts';
import {
  startTestSandbox,
  type TestReply,
  type TestSandbox,
} from '../../../test/support/sandbox-client.ts';
import { handlers } from './resource-registry.ts';

let test: TestSandbox;
beforeAll(async () => {
  test = await startTestSandbox();
});
afterAll(() => test.sandbox.close());

const withHeaders = (headers: Record<string, string>, path = '/api/accounts') =>
  test.request(path, { headers });
const errorOf = (reply: TestReply) => [reply.status, reply.at('errors.0.code')];

describe('credentials', () => {
  it.each([
    ['none', undefined, 'not_authenticated'],
    ['an empty header', '', 'not_authenticated'],
    ['an unknown scheme', 'Basic YTpi', 'not_authenticated'],
    ['a key without its scheme', 'pk_alphafull', 'not_authenticated'],
    ['an unknown key', 'Klaviyo-API-Key pk_nobody', 'not_authenticated'],
    [
      'a key named like a property of every object',
      'Klaviyo-API-Key __proto__',
      'not_authenticated',
    ],
    ['a disabled key', 'Klaviyo-API-Key pk_alphaoff', 'authentication_failed'],
    ['an unknown bearer token', 'Bearer abc', 'authentication_failed'],
    ['a key sent as a bearer token', 'Bearer pk_alphafull', 'authentication_failed'],
  ])('refuses %s with 401', async (_, authorization, code) => {
    const reply = await withHeaders({
      revision: '2026-07-15',
      ...(authorization === undefined ? {} : { authorization }),
    });
    expect(errorOf(reply)).toEqual([401, code]);
    expect(reply.headers.get('www-authenticate')).toBe('Bearer, Klaviyo-API-Key');
    expect(reply.headers.get('content-type')).toBe('application/vnd.api+json');
    expect(reply.at('errors.0.id')).toMatch(/^[\da-f-]{36}$/);
    expect(reply.at('errors.0.status')).toBe(401);
  });

  it('takes the names of the schemes in any case', async () => {
    const authorization = 'klaviyo-api-key pk_alphafull';
    expect((await withHeaders({ authorization, revision: '2026-07-15' })).status).toBe(200);
    const { access_token } = await test.install();
    const bearer = { authorization: `bearer ${access_token}`, revision: '2026-07-15' };
    expect((await withHeaders(bearer)).status).toBe(200);
  });
});

describe('the revision header', () => {
  const revised = (revision?: string, path?: string) =>
    withHeaders(
      {
        authorization: 'Klaviyo-API-Key pk_alphafull',
        ...(revision === undefined ? {} : { revision }),
      },
      path,
    );

  it.each([
    undefined,
    '',
    '2026-7-15',
    '20260715',
    'latest',
    '2026-07-15.beta',
    '2026-07-14',
    '1999-01-01',
  ])('refuses %s with 400', async (revision) => {
    expect(errorOf(await revised(revision))).toEqual([400, 'invalid']);
  });

  it.each(['2026-07-15', '2026-07-15.pre', '2025-01-15'])('takes %s', async (revision) => {
    expect((await revised(revision)).status).toBe(200);
  });

  it.each([
    ['gone', 410, null],
    ['forward', 200, 'forwarded to 2025-01-15'],
    ['accept', 200, null],
  ] as const)('answers a retired one as the setting says: %s', async (mode, status, note) => {
    test.sandbox.changeSettings({ retiredRevisions: mode });
    const reply = await revised('2024-10-15');
    expect([reply.status, reply.headers.get('keyshift-sandbox-revision')]).toEqual([status, note]);
  });

  it('says which are deprecated, and serves later ones as the newest', async () => {
    const note = async (revision: string) =>
      (await revised(revision)).headers.get('keyshift-sandbox-revision');
    expect(await note('2025-07-15')).toBe('deprecated');
    expect(await note('2026-07-15')).toBeNull();
    expect(await note('2027-01-15')).toBe('served as 2026-10-15');
    expect(await note('2030-02-01.pre')).toBe('served as 2026-10-15.pre');
    expect((await revised('2027-02-31x')).status).toBe(400);
  });

  it('has what was promoted in October from then on, and before only as a beta', async () => {
    const status = async (revision: string) => (await revised(revision, '/api/brand-logos')).status;
    expect(await status('2026-07-15')).toBe(400);
    for (const revision of ['2026-07-15.pre', '2026-10-15', '2026-10-15.pre']) {
      expect(await status(revision)).toBe(501);
    }
  });

  it('lets a beta operation through only under the beta revision', async () => {
    expect(errorOf(await revised('2026-07-15', '/api/api-keys'))).toEqual([400, 'invalid']);
    expect((await revised('2026-07-15.pre', '/api/api-keys')).status).toBe(200);
  });
});

describe('scopes', () => {
  it('names every missing scope at the end of the detail', async () => {
    const reply = await test.get('/api/campaign-messages/1/image', 'pk_alphametrics');
    expect(errorOf(reply)).toEqual([403, 'permission_denied']);
    expect(reply.at('errors.0.detail')).toMatch(
      /missing required scopes: campaigns:read, images:read$/,
    );
  });

  it('does not take write for read, nor read-only for write', async () => {
    const { access_token } = await test.install('AAA111');
    expect((await test.get('/api/lists', access_token)).status).toBe(403);
    expect((await test.get('/api/profiles', 'pk_alphareader')).status).toBe(200);
    expect((await test.post('/api/profiles', {}, 'pk_alphareader')).status).toBe(403);
  });

  it('gives a token the scopes that were asked for, not all the app has', async () => {
    const code = await test.obtainCode({}, { scope: 'accounts:read' });
    const token = (await test.exchange(code)).text('access_token');
    expect((await test.get('/api/accounts', token)).status).toBe(200);
    expect(errorOf(await test.get('/api/profiles', token))).toEqual([403, 'permission_denied']);
  });
});

describe('methods', () => {
  it('says 405 with what is allowed to a method that a path does not have', async () => {
    for (const method of ['DELETE', 'PUT', 'PROPFIND']) {
      const reply = await test.api(method, '/api/accounts', 'pk_alphafull');
      expect(errorOf(reply)).toEqual([405, 'method_not_allowed']);
      expect(reply.headers.get('allow')).toBe('GET, HEAD, OPTIONS');
      expect(reply.headers.get('keyshift-sandbox')).toBe('unknown-operation');
    }
  });

  it('answers HEAD as GET without the body, credential and limits included', async () => {
    const reply = await test.api('HEAD', '/api/accounts', 'pk_alphafull');
    expect([reply.status, reply.body]).toEqual([200, '']);
    expect(Number(reply.headers.get('content-length'))).toBeGreaterThan(100);
    expect((await test.request('/api/accounts', { method: 'HEAD' })).status).toBe(401);
  });

  it('answers OPTIONS with what is allowed, and a preflight under /client', async () => {
    const api = await test.request('/api/profiles', { method: 'OPTIONS' });
    expect([api.status, api.headers.get('allow')]).toEqual([204, 'GET, POST, HEAD, OPTIONS']);
    expect(api.headers.has('access-control-allow-origin')).toBe(false);
    const client = await test.request('/client/events', { method: 'OPTIONS' });
    expect(client.headers.get('access-control-allow-origin')).toBe('*');
    expect(client.headers.get('access-control-allow-headers')).toContain('revision');
  });
});

describe('operations the sandbox lacks', () => {
  it('says 501 with its marker, after all other checks', async () => {
    const reply = await test.post('/api/conversation-messages', {});
    expect(errorOf(reply)).toEqual([501, 'not_implemented']);
    expect(reply.headers.get('keyshift-sandbox')).toBe('not-implemented');
    expect((await test.post('/api/conversation-messages', {}, 'pk_alphametrics')).status).toBe(403);
  });

  it('says 404 with another marker for what Klaviyo does not have', async () => {
    for (const reply of [await test.get('/api/unicorns'), await test.request('/api/unicorns')]) {
      expect(errorOf(reply)).toEqual([404, 'not_found']);
      expect(reply.headers.get('keyshift-sandbox')).toBe('unknown-operation');
    }
  });

  it.each(['/api/track', '/api/identify/', '/api/v2/lists', '/api/v1/metrics'])(
    'says of %s that it is retired, and what to use',
    async (path) => {
      const reply = await test.get(path);
      expect(errorOf(reply)).toEqual([410, 'gone']);
      expect(reply.text('errors.0.detail')).toContain('/api/events');
    },
  );

  it('says 501 under /client to a company it knows, without asking for a credential', async () => {
    const headers = { revision: '2026-07-15' };
    const known = await test.request('/client/reviews?company_id=AAA111', { headers });
    expect(known.status).toBe(501);
    for (const query of ['', '?company_id=', '?company_id=ZZZ999']) {
      const reply = await test.request(`/client/reviews${query}`, { headers });
      expect(errorOf(reply)).toEqual([400, 'invalid']);
      expect(reply.at('errors.0.source.parameter')).toBe('company_id');
    }
    const bare = await test.request('/client/events?company_id=AAA111', { method: 'POST' });
    expect(errorOf(bare)).toEqual([400, 'invalid']);
  });

  it('marks samples, and shows one of each type with its id and no other', async () => {
    const reviews = await test.get('/api/reviews?sort=-updated&fields[review]=title,rating');
    expect(reviews.headers.get('keyshift-sandbox')).toBe('sample');
    expect(reviews.at('data')).toMatchObject([
      { type: 'review', id: 'SAMPLE', attributes: { title: 'Sample title', rating: 1 } },
    ]);
    const one = await test.get('/api/reviews/SAMPLE');
    expect([one.status, one.headers.get('keyshift-sandbox')]).toEqual([200, 'sample']);
    const other = await test.get('/api/reviews/abc');
    expect([other.status, other.headers.get('keyshift-sandbox')]).toEqual([404, 'sample']);
    const written = await test.api('PATCH', '/api/reviews/SAMPLE', 'pk_alphafull', {});
    expect([written.status, written.headers.get('keyshift-sandbox')]).toEqual([
      501,
      'not-implemented',
    ]);
    expect((await test.get('/api/campaigns')).status).toBe(400);
    const campaigns = await test.get('/api/campaigns?filter=equals(messages.channel,"email")');
    expect([campaigns.status, campaigns.headers.has('keyshift-sandbox')]).toEqual([200, false]);
  });

  it('does not mark what it implements', async () => {
    expect((await test.get('/api/profiles')).headers.has('keyshift-sandbox')).toBe(false);
    const missing = await test.get('/api/profiles/nobody');
    expect(errorOf(missing)).toEqual([404, 'not_found']);
    expect(missing.headers.has('keyshift-sandbox')).toBe(false);
  });
});

describe('the table of handlers', () => {
  it('implements only operations that exist', () => {
    const ids = new Set([...operations, ...betaOperations].map(({ id }) => id));
    expect([...handlers.keys()].filter((id) => !ids.has(id))).toEqual([]);
  });
});
