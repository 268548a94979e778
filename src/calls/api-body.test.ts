import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { openCallerBench } from '../../test/support/api-caller-fixture.ts';
import { jsonAnswer } from '../../test/support/loopback-server.ts';
import type { ApiBodyInit } from './api-body.ts';

const ok = jsonAnswer(200, { data: [] });
const unauthorized = jsonAnswer(401, { errors: [{ code: 'authentication_failed' }] });
const bytes = Buffer.from('??{"a":1}');

function form(): FormData {
  const made = new FormData();
  made.set('name', 'logo');
  made.set('file', new Blob(['png'], { type: 'image/png' }), 'logo.png');
  return made;
}

async function* parts() {
  yield '{"a"';
  yield Buffer.from(':1}');
}

describe('a body that is held in memory', () => {
  it.each<[string, ApiBodyInit, RegExp, RegExp]>([
    ['bytes of a buffer', new Uint8Array(bytes).subarray(2), /^\{"a":1\}$/, /vnd\.api\+json/],
    ['an ArrayBuffer', new Uint8Array([123, 125]).buffer, /^\{\}$/, /vnd\.api\+json/],
    ['a view', new DataView(new Uint8Array(bytes).buffer, 2), /^\{"a":1\}$/, /vnd\.api\+json/],
    ['URLSearchParams', new URLSearchParams({ a: 'b c' }), /^a=b\+c$/, /x-www-form-urlencoded/],
    ['a blob', new Blob(['{}'], { type: 'application/json' }), /^\{\}$/, /^application\/json$/],
    ['a form', form(), /name="file"; filename="logo\.png"/, /^multipart\/form-data; boundary=/],
  ])('is sent again after 401: %s', async (_name, body, content, type) => {
    await using bench = await openCallerBench([unauthorized, ok]);
    const response = await bench.call('/api/image-upload', { method: 'POST', body });
    expect(response.status).toBe(200);
    expect(bench.received).toHaveLength(2);
    for (const { body: sent, headers } of bench.received) {
      expect(sent).toMatch(content);
      expect(headers['content-type']).toMatch(type);
      expect(headers['content-length']).toBe(String(Buffer.byteLength(sent)));
    }
  });

  it('is of the type that the call names', async () => {
    await using bench = await openCallerBench(ok);
    const body = new Blob(['{}'], { type: 'text/plain' });
    const headers = { 'Content-Type': 'application/json' };
    await bench.call('/api/events', { method: 'POST', body, headers });
    expect(bench.received[0]?.headers['content-type']).toBe('application/json');
  });
});

describe('a body that is a stream', () => {
  it.each<[string, () => ApiBodyInit]>([
    ['of Node', () => Readable.from(parts())],
    ['of the web', () => new Blob(['{"a":1}']).stream()],
    ['in any form that is iterated', parts],
  ])('is sent once: %s', async (_name, open) => {
    await using bench = await openCallerBench([unauthorized, ok]);
    const response = await bench.call('/api/events', { method: 'POST', body: open() });
    expect(response.status).toBe(401);
    expect(bench.received.map(({ body }) => body)).toEqual(['{"a":1}']);
  });
});

describe('a stream that was used before', () => {
  it('is refused, since there is nothing left of it to send', async () => {
    await using bench = await openCallerBench(ok);
    const read = Readable.from(parts());
    await text(read);
    const closed = Readable.from(parts()).destroy();
    const locked = new Blob(['{}']).stream();
    locked.getReader();
    const drained = new Blob(['{}']).stream();
    await text(drained);
    for (const body of [read, closed, locked, drained]) {
      const call = bench.call('/api/events', { method: 'POST', body });
      await expect(call).rejects.toMatchObject({ code: 'request_invalid' });
    }
    expect(bench.received).toEqual([]);
  });
});

describe('what is no body', () => {
  it.each([{ data: {} }, [1], 5, true, () => undefined, new Date(0)])(
    'is refused before anything is sent: %s',
    async (body) => {
      await using bench = await openCallerBench(ok);
      const call = bench.call('/api/events', { method: 'POST', body: body as never });
      await expect(call).rejects.toMatchObject({ code: 'request_invalid' });
      expect(bench.received).toEqual([]);
    },
  );
});
