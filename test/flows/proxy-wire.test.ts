import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { errorTable } from '../../src/errors/error-table.ts';
import { apiErrorOf, send } from '../support/answer.ts';
import { startFlow, type FlowFixture } from '../support/flow-fixture.ts';
import { jsonAnswer, startLoopbackServer } from '../support/loopback-server.ts';
import { accountOf, importAndCheck, keyOf, migrateToLive } from '../support/migration-steps.ts';
import { sendRaw } from '../support/raw-http.ts';

/** A fixture whose API is a server that shows what arrived, with one customer on its key. */
async function startInFrontOf(apiUrl: string): Promise<FlowFixture> {
  const fixture = await startFlow({ environment: { KLAVIYO_API_URL: apiUrl } });
  await importAndCheck(fixture, [{ customerId: 'acme', key: keyOf(fixture, 0) }]);
  return fixture;
}

const found = {
  data: [{ type: 'account', id: 'AbC123', attributes: { contact_information: {} } }],
};

function get(fixture: FlowFixture, target: string, ...headers: string[]): Buffer {
  return Buffer.from(
    [
      `GET ${target} HTTP/1.1`,
      `Host: localhost:${fixture.port}`,
      'Connection: close',
      `Authorization: Klaviyo-API-Key ${keyOf(fixture, 0)}`,
      ...headers,
      '\r\n',
    ].join('\r\n'),
    'latin1',
  );
}

describe('the method of a proxied call', () => {
  it.each(['TRACE', 'PURGE', 'PROPFIND'])(
    'is refused when it is none of Klaviyo’s, before a credential goes out: %s',
    async (method) => {
      await using api = await startLoopbackServer(jsonAnswer(200, found));
      await using fixture = await startInFrontOf(api.url);
      const before = api.received.length;
      const call = get(fixture, '/api/accounts').toString('latin1').replace(/^GET/, method);
      const answer = await sendRaw(fixture.port, Buffer.from(call, 'latin1'), 2_000);
      expect(answer.status).toBe(400);
      expect(api.received.length).toBe(before);
    },
  );
});

describe('the path of a proxied call', () => {
  it.each([
    '/api/../oauth/token',
    '/api/..',
    '/api/profiles/../../oauth/token',
    '/api/./profiles',
    '/api/%2e%2e/oauth/token',
    '/api/%2E%2E/oauth/token',
    '/api/.%2e/oauth/token',
    '/api/profiles/..%2f..%2foauth%2ftoken',
    '/api/profiles/%2e%2e',
    '/api/profiles%2f..%2f..%2foauth',
    '/api\\..\\oauth',
    '/api/..\\oauth/token',
    '/api/x%5c..%5coauth',
  ])('is refused when it could climb out of /api: %s', async (target) => {
    await using api = await startLoopbackServer(jsonAnswer(200, found));
    await using fixture = await startInFrontOf(api.url);
    const before = api.received.length;
    const answer = await sendRaw(fixture.port, get(fixture, target), 2_000);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(api.received.length).toBe(before);
  });

  it('says so in the form of Klaviyo', async () => {
    await using api = await startLoopbackServer(jsonAnswer(200, found));
    await using fixture = await startInFrontOf(api.url);
    const target = '/api/profiles/../../oauth/token';
    const { head, body, status } = await sendRaw(fixture.port, get(fixture, target), 2_000);
    expect(status).toBe(400);
    expect(head).toMatch(/keyshift-error: request_invalid/i);
    expect(apiErrorOf({ url: '', status, headers: new Headers(), body }).code).toBe(
      'request_invalid',
    );
  });

  it.each([
    '/api/profiles?filter=equals(email,%22a%40b.example%22)&page%5Bsize%5D=5',
    '/api/profiles?filter=equals(email,"a@b.example")&sort=-created',
    '/api/profiles?next=/api/../x&plus=a+b&empty=&again=1&again=2',
    '/api/profiles?',
    '/api/profiles/',
    '/api/profiles/01H%3Aab%24c%2Fd%20e',
    "/api/profiles/01H:ab$c!'()*~",
    '/api/profiles/%F0%9F%92%A9/relationships/lists',
    '/api/lists/...a/..b/c..',
  ])('arrives as it was sent: %s', async (target) => {
    await using api = await startLoopbackServer(jsonAnswer(200, found));
    await using fixture = await startInFrontOf(api.url);
    const answer = await sendRaw(fixture.port, get(fixture, target), 2_000);
    expect(answer.status).toBe(200);
    expect(api.received.at(-1)?.path).toBe(target);
  });
});

describe('the path that a client has joined in a way of its own', () => {
  it.each([
    ['with slashes in front of /api/', '//api/events?a=1'],
    ['in absolute form, as to a forward proxy', 'http://localhost/api/events?a=1'],
    ['in absolute form for Klaviyo', 'https://a.klaviyo.com//api/events?a=1'],
  ])('leads to the same place: %s', async (_, target) => {
    await using api = await startLoopbackServer(jsonAnswer(200, found));
    await using fixture = await startInFrontOf(api.url);
    const answer = await sendRaw(fixture.port, get(fixture, target), 2_000);
    expect(answer.status).toBe(200);
    expect(api.received.at(-1)?.path).toBe('/api/events?a=1');
  });

  it('is served for everything else too', async () => {
    await using api = await startLoopbackServer(jsonAnswer(200, found));
    await using fixture = await startInFrontOf(api.url);
    const { status } = await sendRaw(fixture.port, get(fixture, 'http://localhost/healthz'), 2_000);
    expect(status).toBe(200);
  });
});

describe('the headers of a proxied call', () => {
  it('lose what is for Keyshift or for one hop, and get credential and revision', async () => {
    await using api = await startLoopbackServer(jsonAnswer(200, found));
    await using fixture = await startInFrontOf(api.url);
    const own = [
      'Cookie: session=1',
      'Keyshift-Customer: acme',
      'Keyshift-Anything: 1',
      'Proxy-Authorization: Basic YTpi',
      'TE: trailers',
      'X-Klaviyo-Kept: yes',
      'CF-Ray: 8f0',
      'CDN-Loop: cloudflare',
      'X-Forwarded-For: 192.0.2.1',
      'User-Agent: my-app/1.0',
    ];
    await sendRaw(fixture.port, get(fixture, '/api/profiles', ...own), 2_000);
    const { headers } = api.received.at(-1)!;
    expect(headers).toMatchObject({
      host: new URL(api.url).host,
      authorization: `Klaviyo-API-Key ${keyOf(fixture, 0)}`,
      revision: '2026-07-15',
      'x-klaviyo-kept': 'yes',
      'user-agent': 'my-app/1.0',
    });
    for (const name of [
      ...['cookie', 'proxy-authorization', 'te', 'cf-ray', 'cdn-loop', 'x-forwarded-for'],
    ]) {
      expect(headers).not.toHaveProperty(name);
    }
    expect(Object.keys(headers).filter((name) => name.startsWith('keyshift'))).toEqual([]);
  });

  it("keep the caller's revision, and never show the service token to Klaviyo", async () => {
    await using api = await startLoopbackServer(jsonAnswer(200, found));
    await using fixture = await startInFrontOf(api.url);
    await send(`${fixture.url}/api/profiles`, {
      headers: {
        authorization: `Bearer ${fixture.secrets.serviceToken}`,
        'keyshift-customer': 'acme',
        revision: '2025-10-15',
      },
    });
    const { headers } = api.received.at(-1)!;
    expect(headers['revision']).toBe('2025-10-15');
    expect(JSON.stringify(headers)).not.toContain(fixture.secrets.serviceToken);
  });

  it('come back as Klaviyo set them, without its cookies, with the route', async () => {
    const reply = { 'set-cookie': '__cf_bm=1', 'ratelimit-limit': '1, 1;w=1', 'x-thing': 'kept' };
    await using api = await startLoopbackServer(jsonAnswer(200, found, reply));
    await using fixture = await startInFrontOf(api.url);
    const headers = { authorization: `Klaviyo-API-Key ${keyOf(fixture, 0)}` };
    const answer = await send(`${fixture.url}/api/profiles`, { headers });
    expect(answer.headers.get('ratelimit-limit')).toBe('1, 1;w=1');
    expect(answer.headers.get('x-thing')).toBe('kept');
    expect(answer.headers.get('keyshift-route')).toBe('key');
    expect(answer.headers.getSetCookie()).toEqual([]);
  });

  it.each([200, 403, 404, 429, 500, 503])('pass a %i on with its Retry-After', async (status) => {
    const body = { errors: [{ id: 'e', code: 'c', title: 't', detail: 'd' }] };
    await using api = await startLoopbackServer(jsonAnswer(200, found));
    await using fixture = await startInFrontOf(api.url);
    api.answerWith(jsonAnswer(status, body, { 'retry-after': '4' }));
    const headers = { authorization: `Klaviyo-API-Key ${keyOf(fixture, 0)}` };
    const answer = await send(`${fixture.url}/api/profiles`, { headers });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('retry-after')).toBe('4');
    expect(answer.headers.get('keyshift-error')).toBeNull();
    expect(answer.body).toBe(JSON.stringify(body));
  });
});

describe('the body of a proxied call', () => {
  const digest = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest('hex');

  it.each([
    ['small', 1_000, false],
    ['small, in chunks', 1_000, true],
    ['as large as what is held', 256 * 1024, false],
    ['larger than what is held', 900_000, false],
    ['large, in chunks', 900_000, true],
  ])('arrives intact: %s', async (_name, size, chunked) => {
    await using api = await startLoopbackServer(jsonAnswer(200, found));
    await using fixture = await startInFrontOf(api.url);
    const body = randomBytes(size).toString('hex').slice(0, size);
    const answer = await send(`${fixture.url}/api/events`, {
      method: 'POST',
      headers: {
        authorization: `Klaviyo-API-Key ${keyOf(fixture, 0)}`,
        'content-type': 'application/vnd.api+json',
      },
      ...(chunked ? { body: new Blob([body]).stream(), duplex: 'half' as const } : { body }),
    });
    expect(answer.status).toBe(200);
    const received = api.received.at(-1)!;
    expect(received.method).toBe('POST');
    expect(received.headers['content-type']).toBe('application/vnd.api+json');
    expect(received.body.length).toBe(size);
    expect(digest(received.body)).toBe(digest(body));
  });

  it('that is too large to hold goes out once: its 401 comes back, and the next call works', async () => {
    await using fixture = await startFlow();
    await migrateToLive(fixture, 'acme', 0);
    fixture.sandbox.invalidateAccessTokens();
    const authorization = `Klaviyo-API-Key ${keyOf(fixture, 0)}`;
    const large = await send(`${fixture.url}/api/profiles`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify({ filler: 'x'.repeat(600_000) }),
    });
    expect(large.status).toBe(401);
    const small = await send(`${fixture.url}/api/accounts`, { headers: { authorization } });
    expect(small.status).toBe(200);
    expect(small.body).toContain(accountOf(fixture, 0));
  });
});

describe('an answer that breaks off half way', () => {
  it('breaks off for the caller too, who is not told that it was whole', async () => {
    await using api = await startLoopbackServer(jsonAnswer(200, found));
    await using fixture = await startInFrontOf(api.url);
    api.answerWith((response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
      response.write('{"data": [', () => response.destroy());
    });
    const headers = { authorization: `Klaviyo-API-Key ${keyOf(fixture, 0)}` };
    const answer = await send(`${fixture.url}/api/profiles`, { headers }).catch(() => 'broken');
    // Before anything was passed on it may also be an error of the table.
    if (typeof answer === 'string') expect(answer).toBe('broken');
    else {
      expect(answer.status).toBe(502);
      expect(Object.keys(errorTable)).toContain(answer.headers.get('keyshift-error'));
    }
  });
});
