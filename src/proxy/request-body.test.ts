import { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { createManualClock, systemClock } from '../runtime/clock.ts';
import {
  createBodyReader,
  type BodyReader,
  type RequestBody,
  type TakenBody,
} from './request-body.ts';

const kib = 1024;
const mib = 1024 * kib;
const patient = { signal: undefined };

/** A request whose body comes in two parts, the second when it is asked for. */
function request(size: number, length: 'named' | 'unnamed' = 'named'): IncomingMessage {
  const half = Buffer.alloc(size / 2, 'x');
  const stream = Readable.from([half, half], { objectMode: false });
  const headers =
    length === 'named' ? { 'content-length': `${size}` } : { 'transfer-encoding': 'chunked' };
  return Object.assign(stream, { headers, complete: true }) as never;
}

/** Reads for a customer that has time to wait. */
function read(bodies: BodyReader, from: IncomingMessage, customer = 'acme'): Promise<TakenBody> {
  const party = { account: customer, connection: customer };
  return bodies.read(from, party, systemClock.now() + 30_000, patient);
}

const sizeOf = async (body: RequestBody) =>
  body === null ? 0 : Buffer.isBuffer(body) ? body.length : (await buffer(body)).length;

const heldBytes = (taken: readonly TakenBody[]) =>
  taken.reduce((sum, { body }) => sum + (Buffer.isBuffer(body) ? body.length : 0), 0);

describe('the bodies that are held', () => {
  it.each(['named', 'unnamed'] as const)(
    'take 40 MiB in all, however many come at once; others wait or are streamed (length %s)',
    async (length) => {
      const bodies = createBodyReader(systemClock);
      const taken: TakenBody[] = [];
      let done = 0;
      let mostBytes = 0;
      const reads = Array.from({ length: 300 }, async (_, at) => {
        const body = await read(bodies, request(250 * kib, length), `customer-${at}`);
        taken.push(body);
        mostBytes = Math.max(mostBytes, heldBytes(taken));
        expect(await sizeOf(body.body)).toBe(250 * kib);
        setTimeout(() => {
          taken.splice(taken.indexOf(body), 1);
          body.release();
        }, 50);
        done += 1;
      });
      await Promise.all(reads);
      expect(done).toBe(300);
      expect(mostBytes).toBeLessThanOrEqual(40 * mib);
      if (length === 'named') expect(mostBytes).toBeGreaterThan(25 * mib);
    },
  );

  it('leave room for others when one customer sends all it can', async () => {
    const bodies = createBodyReader(systemClock);
    const party = { account: 'acme', connection: 'acme' };
    const soonMs = systemClock.now() + 1_000;
    const reads = Array.from({ length: 1_000 }, () =>
      bodies.read(request(250 * kib), party, soonMs, patient),
    );
    const settled = Promise.allSettled(reads);
    const other = await read(bodies, request(250 * kib), 'other');
    expect(Buffer.isBuffer(other.body)).toBe(true);
    const outcomes = await settled;
    const held = outcomes.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    expect(heldBytes(held)).toBeLessThan(15 * mib);
    for (const each of outcomes) {
      if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'proxy_busy' });
    }
  });

  it('are sent once where they turn out to be too large, whole', async () => {
    const bodies = createBodyReader(systemClock);
    for (let at = 0; at < 300; at += 1) {
      const { body, release } = await read(bodies, request(300 * kib, 'unnamed'));
      expect(Buffer.isBuffer(body)).toBe(false);
      expect(await sizeOf(body)).toBe(300 * kib);
      release();
    }
    const { body } = await read(bodies, request(250 * kib, 'unnamed'));
    expect(Buffer.isBuffer(body)).toBe(true);
  });

  it('give their room back when their caller leaves half way', async () => {
    const bodies = createBodyReader(systemClock);
    for (let at = 0; at < 300; at += 1) {
      const left = request(250 * kib);
      left.destroy();
      await expect(read(bodies, left)).rejects.toMatchObject({ code: 'request_incomplete' });
    }
    expect(Buffer.isBuffer((await read(bodies, request(250 * kib))).body)).toBe(true);
  });

  it('cost what they hold, also when they come byte by byte', async () => {
    const bodies = createBodyReader(systemClock);
    const trickling = new Readable({ read: () => undefined });
    const headers = { 'content-length': `${200 * kib}` };
    const reading = read(bodies, Object.assign(trickling, { headers }) as never);
    await new Promise(setImmediate);
    const before = process.memoryUsage();
    for (let at = 0; at < 200 * kib; at += 1) trickling.emit('data', Buffer.alloc(1, at));
    const after = process.memoryUsage();
    trickling.emit('end');
    expect(await sizeOf((await reading).body)).toBe(200 * kib);
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(8 * mib);
  });
});

describe('the bodies that are streamed', () => {
  it('are not read before there is a connection for them', async () => {
    const bodies = createBodyReader(systemClock);
    const large = request(400 * kib);
    const { body } = await read(bodies, large);
    await new Promise(setImmediate);
    expect(large.readableFlowing).toBe(null);
    expect(await sizeOf(body)).toBe(400 * kib);
  });

  it('end after half a minute without a byte, and say so', async () => {
    const clock = createManualClock();
    const bodies = createBodyReader(clock);
    const silent = Object.assign(new EventEmitter(), {
      headers: { 'content-length': `${mib}` },
      ...{ isPaused: () => false, resume: () => undefined, pause: () => undefined },
      complete: false,
    });
    const party = { account: 'acme', connection: 'acme' };
    const until = clock.now() + 10_000;
    const { body } = await bodies.read(silent as never, party, until, patient);
    const reading = expect(sizeOf(body)).rejects.toMatchObject({
      code: 'request_incomplete',
      message: expect.stringContaining('30 seconds') as string,
    });
    await new Promise(setImmediate);
    await clock.advance(20_000);
    silent.emit('data', Buffer.from('x'));
    await clock.advance(30_000);
    await reading;
  });
});
