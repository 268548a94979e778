import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Stream } from 'node:stream';
import { ImagesApi } from 'klaviyo-api';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openCallerBench } from '../../test/support/api-caller-fixture.ts';
import { jsonAnswer } from '../../test/support/loopback-server.ts';
import { createSession } from './create-session.ts';
import { isForm, readForm, type Form } from './read-form.ts';
import { toApiCall } from './to-api-call.ts';

const require = createRequire(createRequire(import.meta.url).resolve('klaviyo-api'));
const FormData = require('form-data') as new () => Form & {
  append(name: string, value: unknown): void;
};

const created = jsonAnswer(201, { data: { type: 'image', id: '1', attributes: {} } });
const unauthorized = jsonAnswer(401, { errors: [] });

/** A file of a test's own. */
function writeImage(bytes: Buffer): string {
  const folder = mkdtempSync(join(tmpdir(), 'keyshift-image-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'image.png');
  writeFileSync(file, bytes);
  return file;
}

describe('an image upload of the SDK', () => {
  it('that Klaviyo answers 401 is sent again whole, also from a file stream', async () => {
    const file = writeImage(Buffer.alloc(100_000, 'pixel'));
    await using bench = await openCallerBench([unauthorized, created]);
    const images = new ImagesApi(createSession({ fetch: bench.call }));
    images.basePath = bench.server.url;
    await images.uploadImageFromFile(createReadStream(file), 'logo', true);
    expect(bench.source.refused).toEqual([1]);
    const [first, second] = bench.received;
    expect(second?.body).toBe(first?.body);
    const boundary = /^multipart\/form-data; ?boundary=(.+)$/.exec(
      second?.headers['content-type'] ?? '',
    )?.[1];
    expect(boundary).toBeDefined();
    expect(second?.body.split(`--${boundary}`)).toHaveLength(5);
    expect(second?.body).toContain('filename="image.png"');
    expect(second?.body).toContain('pixel'.repeat(20_000));
    expect(second?.body).toMatch(/name="hidden"\r\n\r\ntrue\r\n/);
  });

  it('that cannot be read says so, and nothing is sent', async () => {
    await using bench = await openCallerBench(created);
    const images = new ImagesApi(createSession({ fetch: bench.call }));
    const missing = createReadStream(join(tmpdir(), 'keyshift-no-such-image.png'));
    await expect(images.uploadImageFromFile(missing)).rejects.toMatchObject({
      code: 'request_invalid',
      message: 'The form cannot be sent: a part of it cannot be read.',
    });
    expect(bench.received).toEqual([]);
  });

  it('that is far too long is refused before anything is sent', async () => {
    const form = new FormData();
    form.append('file', Readable.from(Array.from({ length: 40 }, () => Buffer.alloc(512 * 1024))));
    await expect(readForm(form)).rejects.toMatchObject({
      code: 'request_invalid',
      message: 'The form cannot be sent: it is longer than 16 MiB.',
    });
  });

  it('from a buffer is a form like any other', async () => {
    const form = new FormData();
    form.append('file', Buffer.from('bytes'));
    expect(isForm(form)).toBe(true);
    expect((await readForm(form)).toString()).toContain('bytes');
  });
});

describe('a body', () => {
  it.each<[string, unknown]>([
    ['FormData', new globalThis.FormData()],
    ['Blob', new Blob(['x'])],
    ['ReadableStream', new ReadableStream()],
    ['Stream', new Stream()],
  ])('of the kind %s is refused by name', async (name, data) => {
    await expect(toApiCall({ url: '/api/images', method: 'POST', data })).rejects.toMatchObject({
      code: 'request_invalid',
      message: `A body of type ${name} cannot be sent.`,
    });
  });

  it('is JSON for whatever has no form of its own', async () => {
    const data = { data: { a: 1, b: undefined, c: new Date(0) } };
    const { init, shown } = await toApiCall({ url: '/api/events', method: 'post', data });
    expect(init.body).toBe('{"data":{"a":1,"c":"1970-01-01T00:00:00.000Z"}}');
    expect(init.method).toBe('POST');
    expect(shown.data).toBe(init.body);
  });

  it('is passed on where it can be sent as it is, and not shown where it is no text', async () => {
    for (const data of ['text', Buffer.from('bytes'), Readable.from(['chunk'])]) {
      const { init, shown } = await toApiCall({ url: '/api/images', method: 'PUT', data });
      expect(init.body).toBe(data);
      expect(shown.data).toBe(typeof data === 'string' ? data : undefined);
    }
    const form = await toApiCall({ url: '/x', data: new URLSearchParams({ a: 'b c' }) });
    expect(form.init.body).toBe('a=b+c');
    expect((await toApiCall({ url: '/x', data: null })).init.body).toBeNull();
  });
});

describe('the rest of a request', () => {
  it('loses its credential, and headers that say nothing', async () => {
    const headers = {
      AUTHORIZATION: 'Bearer mine',
      Host: 'evil.example',
      'Content-Length': 12,
      Accept: 'application/json',
      'x-count': 3,
      'x-list': ['a', 'b'],
      'x-none': undefined,
      'x-null': null,
      'x-false': false,
    };
    const { init, shown } = await toApiCall({ url: '/api/profiles', headers });
    expect(init.headers).toEqual({ accept: 'application/json', 'x-count': '3', 'x-list': 'a, b' });
    expect(shown.headers).toEqual(init.headers);
    expect(headers.AUTHORIZATION).toBe('Bearer mine');
  });

  it('keeps the query of its address beside its parameters, without the fragment', async () => {
    const { target } = await toApiCall({
      url: 'https://a.klaviyo.com/api/profiles?sort=id#top',
      params: { 'page[size]': 5 },
    });
    expect(target).toBe('https://a.klaviyo.com/api/profiles?sort=id&page%5Bsize%5D=5');
    expect((await toApiCall({ url: '/api/profiles' })).target).toBe('/api/profiles');
  });
});
