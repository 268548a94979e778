import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../runtime/clock.ts';
import { createBodyReader, type RequestBody } from './request-body.ts';

const kib = 1024;
const mib = 1024 * kib;

/** A request whose body comes in two parts, the second when it is asked for. */
function request(size: number, length: 'named' | 'unnamed' = 'named'): IncomingMessage {
  const half = Buffer.alloc(size / 2, 'x');
  const stream = Readable.from([half, half], { objectMode: false });
  const headers =
    length === 'named' ? { 'content-length': `${size}` } : { 'transfer-encoding': 'chunked' };
  return Object.assign(stream, { headers, complete: true }) as never;
}

const sizeOf = async (body: RequestBody) =>
  body === null ? 0 : Buffer.isBuffer(body) ? body.length : (await buffer(body)).length;

const heldBytes = (bodies: readonly RequestBody[]) =>
  bodies.reduce((sum, body) => sum + (Buffer.isBuffer(body) ? body.length : 0), 0);

describe('the bodies that are held', () => {
  it.each(['named', 'unnamed'] as const)(
    'take 64 MiB in all, however many come at once; the others are streamed whole (length %s)',
    async (length) => {
      const bodies = createBodyReader(systemClock);
      const reads = Array.from({ length: 1_000 }, () => bodies.read(request(250 * kib, length)));
      const read = await Promise.all(reads);
      expect(heldBytes(read)).toBeLessThanOrEqual(64 * mib);
      expect(heldBytes(read)).toBeGreaterThan(60 * mib);
      for (const body of read) expect(await sizeOf(body)).toBe(250 * kib);
      for (const body of read) bodies.release(body);
      const again = await bodies.read(request(250 * kib, length));
      expect(Buffer.isBuffer(again)).toBe(true);
    },
  );

  it('give their room back when they turn out to be too large', async () => {
    const bodies = createBodyReader(systemClock);
    for (let at = 0; at < 300; at += 1) {
      const body = await bodies.read(request(300 * kib, 'unnamed'));
      expect(Buffer.isBuffer(body)).toBe(false);
      expect(await sizeOf(body)).toBe(300 * kib);
      bodies.release(body);
    }
    expect(Buffer.isBuffer(await bodies.read(request(250 * kib, 'unnamed')))).toBe(true);
  });

  it('give their room back when their caller leaves half way', async () => {
    const bodies = createBodyReader(systemClock);
    for (let at = 0; at < 300; at += 1) {
      const left = request(250 * kib);
      left.destroy();
      await expect(bodies.read(left)).rejects.toMatchObject({ code: 'request_incomplete' });
    }
    expect(Buffer.isBuffer(await bodies.read(request(250 * kib)))).toBe(true);
  });
});
