import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { startFlow, type FlowFixture } from '../support/flow-fixture.ts';
import { startLoopbackServer, type Answer } from '../support/loopback-server.ts';
import { importAndCheck, keyOf } from '../support/migration-steps.ts';
import { sendRaw } from '../support/raw-http.ts';

const account = {
  data: [{ type: 'account', id: 'AbC123', attributes: { contact_information: {} } }],
};
const page = JSON.stringify({
  data: [{ id: '1', attributes: { image: 'https://a.klaviyo.com/image.png' } }],
  links: { self: 'https://a.klaviyo.com/api/lists', next: 'https://a.klaviyo.com/api/lists?p=2' },
});
const jsonApi = { 'content-type': 'application/vnd.api+json' };

/** A proxy in front of an API that answers so. */
async function startLinks(answer: Answer, environment: Readonly<Record<string, string>> = {}) {
  const api = await startLoopbackServer((response, request) => {
    if (!request.path.startsWith('/api/accounts')) {
      answer(response, request);
      return;
    }
    response.writeHead(200, jsonApi);
    response.end(JSON.stringify(account));
  });
  const fixture = await startFlow({ environment: { KLAVIYO_API_URL: api.url, ...environment } });
  await importAndCheck(fixture, [{ customerId: 'acme', key: keyOf(fixture, 0) }]);
  return {
    fixture,
    api,
    async [Symbol.asyncDispose]() {
      await fixture[Symbol.asyncDispose]();
      await api[Symbol.asyncDispose]();
    },
  };
}

function get(fixture: FlowFixture, host: string, method = 'GET') {
  const lines = [
    `${method} /api/lists HTTP/1.1`,
    `Host: ${host}`,
    'Connection: close',
    'Accept-Encoding: gzip',
    `Authorization: Klaviyo-API-Key ${keyOf(fixture, 0)}`,
  ];
  return sendRaw(fixture.port, Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), 5_000);
}

describe('the links in a proxied answer', () => {
  it('lead to the host that the caller called, and nothing else changes', async () => {
    await using links = await startLinks((response) => {
      response.writeHead(200, { ...jsonApi, 'content-length': page.length, etag: '"1"' });
      response.end(page);
    });
    const { head, body } = await get(links.fixture, 'keyshift.internal:5000');
    expect(body).toContain('"next":"http://keyshift.internal:5000/api/lists?p=2"');
    expect(body).toContain('"self":"http://keyshift.internal:5000/api/lists"');
    expect(body).toContain('"image":"https://a.klaviyo.com/image.png"');
    expect(head).not.toMatch(/^content-length/im);
    expect(head).toMatch(/^etag: W\/"1"/im);
    expect(links.api.received.at(-1)?.headers['accept-encoding']).toBe('identity');
  });

  it('lead to PUBLIC_URL for callers of its host', async () => {
    const environment = { PUBLIC_URL: 'https://localhost:8443/klaviyo' };
    await using links = await startLinks((response) => {
      response.writeHead(200, jsonApi);
      response.end(page);
    }, environment);
    const { body } = await get(links.fixture, 'localhost:8443');
    expect(body).toContain('"next":"https://localhost:8443/klaviyo/api/lists?p=2"');
  });

  it('stay as they are where that is turned off', async () => {
    await using links = await startLinks(
      (response) => {
        response.writeHead(302, { ...jsonApi, location: 'https://a.klaviyo.com/api/x' });
        response.end(page);
      },
      { KEYSHIFT_REWRITE_LINKS: 'off' },
    );
    const { head, body } = await get(links.fixture, 'keyshift.internal');
    expect(body).toContain(page);
    expect(head).toContain('location: https://a.klaviyo.com/api/x');
    expect(links.api.received.at(-1)?.headers['accept-encoding']).toBe('gzip');
  });

  it('are rewritten in an error, in Location and in what comes coded all the same', async () => {
    await using links = await startLinks((response) => {
      const location = 'https://a.klaviyo.com/api/lists/1';
      response.writeHead(409, { ...jsonApi, location, 'content-encoding': 'gzip' });
      response.end(gzipSync(page));
    });
    const { head, body } = await get(links.fixture, 'keyshift.internal');
    expect(head).toContain('location: http://keyshift.internal/api/lists/1');
    expect(head).not.toMatch(/^content-encoding/im);
    expect(body).toContain('"next":"http://keyshift.internal/api/lists?p=2"');
  });

  it.each([
    ['broken', Buffer.concat([gzipSync(page).subarray(0, 40), Buffer.from('no gzip')]), 'gzip'],
    ['of a coding that nobody knows', Buffer.from(page), 'snappy'],
  ])('pass untouched where the body is %s', async (_, sent, coding) => {
    await using links = await startLinks((response) => {
      response.writeHead(200, {
        ...jsonApi,
        'content-encoding': coding,
        'content-length': sent.length,
      });
      response.end(sent);
    });
    const { head, body } = await get(links.fixture, 'keyshift.internal');
    expect(head).toMatch(new RegExp(`^content-encoding: ${coding}`, 'im'));
    expect(head).toMatch(new RegExp(`^content-length: ${sent.length}`, 'im'));
    expect(Buffer.from(body, 'latin1').equals(sent)).toBe(true);
  });

  it('pass untouched where the answer is no JSON', async () => {
    await using links = await startLinks((response) => {
      response.writeHead(200, { 'content-type': 'text/csv', 'content-length': page.length });
      response.end(page);
    });
    expect((await get(links.fixture, 'keyshift.internal')).body).toBe(page);
  });

  it.each([
    ['HEAD', 200],
    ['GET', 204],
    ['GET', 304],
  ])('take nothing from an answer without a body: %s %s', async (method, status) => {
    await using links = await startLinks((response) => {
      response.writeHead(status, { ...jsonApi, etag: '"1"' });
      response.end();
    });
    const answer = await get(links.fixture, 'keyshift.internal', method);
    expect(answer.status).toBe(status);
    expect(answer.body).toBe('');
  });
});
