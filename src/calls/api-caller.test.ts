import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import {
  keySource,
  oauthCredential,
  openCallerBench,
} from '../../test/support/api-caller-fixture.ts';
import { htmlAnswer, jsonAnswer } from '../../test/support/loopback-server.ts';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { CredentialSource } from './driver.ts';

const ok = jsonAnswer(200, { data: [] });
const unauthorized = jsonAnswer(401, { errors: [{ code: 'authentication_failed' }] });

describe('a call that Klaviyo answers 401', () => {
  it('ends with a second 401 straight after a refresh, and is not refreshed again', async () => {
    await using bench = await openCallerBench(unauthorized);
    const response = await bench.call('/api/profiles');
    expect(response.status).toBe(401);
    expect(bench.source.refused).toEqual([1]);
    expect(bench.received).toHaveLength(2);
    expect(await response.text()).toContain('authentication_failed');
  });

  it('ends with it on a private key, which has no successor', async () => {
    await using bench = await openCallerBench(unauthorized);
    const response = await bench.call('/api/profiles', {}, keySource);
    expect(response.status).toBe(401);
    expect(response.route).toBe('key');
    expect(bench.received).toHaveLength(1);
  });

  it('ends with the error of a refresh that fails, and leaves its connection free', async () => {
    await using bench = await openCallerBench(unauthorized);
    const source: CredentialSource = {
      pick: async () => oauthCredential(1),
      renew: () => Promise.reject(new KeyshiftError('grant_lost', 'gone')),
    };
    const failed = bench.call('/api/profiles', {}, source);
    await expect(failed).rejects.toMatchObject({ code: 'grant_lost' });
  });

  it('is not refreshed for the 401 page of the edge, which knows no tokens', async () => {
    await using bench = await openCallerBench([htmlAnswer(401), ok]);
    expect((await bench.call('/api/profiles')).status).toBe(200);
    expect(bench.source.refused).toEqual([]);
    expect(bench.received.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer token-1',
      'Bearer token-1',
    ]);
  });

  it('never sends a stream again, but has the token refreshed for the next call', async () => {
    await using bench = await openCallerBench([unauthorized, ok]);
    const send = () =>
      bench.call('/api/image-upload', { method: 'POST', body: Readable.from(['half', 'half']) });
    expect((await send()).status).toBe(401);
    expect(bench.source.refused).toEqual([1]);
    expect((await send()).status).toBe(200);
    expect(bench.received.map(({ body }) => body)).toEqual(['halfhalf', 'halfhalf']);
  });

  it('is sent again with the next token, the body as it was', async () => {
    await using bench = await openCallerBench([unauthorized, ok]);
    const init = { method: 'POST', body: '{"data":{}}' };
    const response = await bench.call('/api/events', init);
    expect(response.status).toBe(200);
    expect(response.route).toBe('oauth');
    expect(bench.received.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer token-1',
      'Bearer token-2',
    ]);
    expect(bench.received.map(({ body }) => body)).toEqual(['{"data":{}}', '{"data":{}}']);
  });

  it('keeps its attempts for what comes after the refresh', async () => {
    const busy = jsonAnswer(503, {});
    await using bench = await openCallerBench([busy, busy, busy, unauthorized, ok]);
    expect((await bench.call('/api/profiles')).status).toBe(200);
    expect(bench.received).toHaveLength(5);
  });
});

describe('the target of a call', () => {
  it.each([
    'https://evil.example/api/profiles',
    'https://a.klaviyo.com.evil.example/api/profiles',
    'http://a.klaviyo.com/api/profiles',
    '//evil.example/api/profiles',
    'api/profiles',
    '/api/profiles/../accounts',
    '/api/profiles/%2E%2e?sort=name',
    '/api/./profiles',
    'file:///etc/passwd',
    '',
  ])('is refused before anything is sent: %s', async (target) => {
    await using bench = await openCallerBench(ok);
    let asked = 0;
    const source: CredentialSource = {
      ...keySource,
      pick: async () => {
        asked += 1;
        return oauthCredential(1);
      },
    };
    const failed = bench.call(target, {}, source);
    await expect(failed).rejects.toMatchObject({ code: 'request_invalid' });
    expect(asked).toBe(0);
    expect(bench.received).toEqual([]);
  });

  it('is refused when undici cannot send it, without an attempt more', async () => {
    await using bench = await openCallerBench(ok);
    for (const [target, init] of [
      ['/api/profiles\r\nx-evil: 1', {}],
      ['/api/profiles', { headers: { 'x-note': 'line\nbreak' } }],
      ['/api/events', { method: 'POST', headers: { 'content-length': '99' }, body: '{}' }],
      ['/api/events', { method: 'NOT A METHOD' }],
    ] as const) {
      await expect(bench.call(target, init)).rejects.toMatchObject({ code: 'request_invalid' });
    }
    expect(bench.clock.pauses).toEqual([]);
  });

  it('is encoded where it holds what a URL cannot, and loses its fragment', async () => {
    await using bench = await openCallerBench(ok);
    await bench.call('/api/profiles?filter=equals(first_name,"Ada Löwe")&page[size]=1#top');
    await bench.call('/api/profiles/.hidden?filter=equals(url,"/../x")');
    await bench.call(new URL('/api/lists?sort=name', bench.server.url));
    expect(bench.received.map(({ path }) => path)).toEqual([
      '/api/profiles?filter=equals(first_name,%22Ada%20L%C3%B6we%22)&page[size]=1',
      '/api/profiles/.hidden?filter=equals(url,%22/../x%22)',
      '/api/lists?sort=name',
    ]);
  });

  it('is refused when it is a request, or nothing at all', async () => {
    await using bench = await openCallerBench(ok);
    for (const target of [undefined, null, 5, new Request(`${bench.server.url}/api/profiles`)]) {
      const failed = bench.call(target as unknown as string);
      await expect(failed).rejects.toMatchObject({ code: 'request_invalid' });
    }
    expect(bench.received).toEqual([]);
  });

  it('may be a link of an answer, at the configured host or at Klaviyo’s', async () => {
    await using bench = await openCallerBench(ok);
    const query = '?page%5Bcursor%5D=bmV4dA&filter=equals(email,%22a@b.co%22)';
    await bench.call(`${bench.server.url}/api/profiles${query}`);
    await bench.call(`https://a.klaviyo.com/api/profiles${query}`);
    await bench.call(`/api/profiles${query}`);
    expect(new Set(bench.received.map(({ path }) => path))).toEqual(
      new Set([`/api/profiles${query}`]),
    );
  });
});

describe('the headers of a call', () => {
  it('hold the credential whatever the caller says', async () => {
    await using bench = await openCallerBench(ok);
    await bench.call('/api/profiles', { headers: { Authorization: 'Bearer mine' } });
    expect(bench.received[0]?.headers.authorization).toBe('Bearer token-1');
    await bench.call('/api/profiles', {}, keySource);
    expect(bench.received[1]?.headers.authorization).toBe('Klaviyo-API-Key pk_0123456789abcdef');
  });

  it('hold what the caller left out, and a content type only where there is a body', async () => {
    await using bench = await openCallerBench(ok);
    await bench.call('/api/profiles');
    await bench.call('/api/events', {
      method: 'post',
      body: '{}',
      headers: { Revision: '2025-10-15', 'Content-Type': 'application/json' },
    });
    expect(bench.received[0]).toMatchObject({
      method: 'GET',
      headers: { revision: '2026-07-15', accept: 'application/vnd.api+json' },
    });
    expect(bench.received[0]?.headers['content-type']).toBeUndefined();
    expect(bench.received[1]).toMatchObject({
      method: 'POST',
      headers: { revision: '2025-10-15', 'content-type': 'application/json' },
    });
  });

  it('may come as Headers or as pairs, and stay out where they have no value', async () => {
    await using bench = await openCallerBench(ok);
    for (const headers of [
      new Headers({ Revision: '2025-10-15' }),
      [['Revision', '2025-10-15']] as const,
      new Map([['Revision', '2025-10-15']]),
      { Revision: '2025-10-15', accept: undefined },
    ]) {
      await bench.call('/api/profiles', { headers });
      const { headers: sent } = bench.received.at(-1)!;
      expect([sent['revision'], sent.accept]).toEqual(['2025-10-15', 'application/vnd.api+json']);
    }
    await bench.call('/api/profiles', { headers: { revision: undefined } });
    expect(bench.received.at(-1)?.headers['revision']).toBe('2026-07-15');
  });

  it('name no other host: TLS would look for that one, and hand it the credential', async () => {
    await using bench = await openCallerBench(ok);
    await bench.call('/api/profiles', { headers: { Host: 'evil.example' } });
    expect(bench.received[0]?.headers.host).toBe(new URL(bench.server.url).host);
  });
});
