import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { openCallerBench } from '../../test/support/api-caller-fixture.ts';
import type { Answer } from '../../test/support/loopback-server.ts';

const json = '{"data":[]}';

function packed(coding: string, body: Buffer): Answer {
  return (response) => response.writeHead(200, { 'content-encoding': coding }).end(body);
}

describe('an answer that comes packed', () => {
  it.each([
    ['gzip', gzipSync(json)],
    ['deflate', deflateSync(json)],
    ['br', brotliCompressSync(json)],
    ['zstd', zstdCompressSync(json)],
    ['gzip, BR', brotliCompressSync(gzipSync(json))],
    ['identity', Buffer.from(json)],
  ])('is unpacked, read whole or streamed: %s', async (coding, body) => {
    await using bench = await openCallerBench(packed(coding, body));
    const headers = { 'accept-encoding': coding };
    const whole = await bench.call('/api/profiles', { headers });
    expect(await whole.json()).toEqual({ data: [] });
    const streamed = await bench.call('/api/profiles', { headers });
    expect(await text(streamed.body)).toBe(json);
  });

  it('stays as it came in a coding that is not known', async () => {
    await using bench = await openCallerBench(packed('rot13', Buffer.from('uryyb')));
    expect(await (await bench.call('/api/profiles')).text()).toBe('uryyb');
  });

  it('has no body after HEAD', async () => {
    await using bench = await openCallerBench(packed('gzip', Buffer.alloc(0)));
    expect(await (await bench.call('/api/profiles', { method: 'HEAD' })).text()).toBe('');
  });

  it('is unreadable where it is not packed as it says, read whole or streamed', async () => {
    await using bench = await openCallerBench(packed('gzip', Buffer.from(json)));
    await expect((await bench.call('/api/profiles')).json()).rejects.toMatchObject({
      code: 'upstream_unreadable',
      message: "The body of Klaviyo's 200 is not encoded as its headers say.",
    });
    await expect(text((await bench.call('/api/profiles')).body)).rejects.toThrow('header');
  });
});
