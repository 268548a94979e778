import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import {
  emptyAnswer,
  openCallerBench,
  resetAnswer,
} from '../../test/support/api-caller-fixture.ts';
import { findFreePort } from '../runtime/free-port.ts';
import { htmlAnswer, jsonAnswer } from '../../test/support/loopback-server.ts';

const ok = jsonAnswer(200, { data: [] });
const throttled = (retryAfter: string) =>
  jsonAnswer(429, { errors: [{ code: 'throttled' }] }, { 'retry-after': retryAfter });
const post = { method: 'POST', body: '{"data":{}}' };

describe('a write that may have been applied', () => {
  it.each([500, 502, 503, 504, 408])('is not repeated after %i', async (status) => {
    await using bench = await openCallerBench([jsonAnswer(status, {}), ok]);
    const response = await bench.call('/api/events', post);
    expect(response.status).toBe(status);
    expect(bench.received).toHaveLength(1);
  });

  it('is not repeated after 503 with Retry-After either', async () => {
    await using bench = await openCallerBench([jsonAnswer(503, {}, { 'retry-after': '1' }), ok]);
    expect((await bench.call('/api/events', post)).status).toBe(503);
    expect(bench.received).toHaveLength(1);
  });

  it('is not repeated when the connection breaks', async () => {
    await using bench = await openCallerBench([resetAnswer, ok]);
    await expect(bench.call('/api/events', post)).rejects.toMatchObject({
      code: 'upstream_unreachable',
    });
    expect(bench.received).toHaveLength(1);
  });

  it('is not repeated after a page of the edge', async () => {
    await using bench = await openCallerBench([htmlAnswer(403), ok]);
    expect((await bench.call('/api/events', post)).status).toBe(403);
    expect(bench.received).toHaveLength(1);
  });

  it('is not repeated as PATCH either', async () => {
    await using bench = await openCallerBench([emptyAnswer(503), ok]);
    const response = await bench.call('/api/profiles/01H', { method: 'PATCH', body: '{}' });
    expect(response.status).toBe(503);
    expect(bench.received).toHaveLength(1);
  });

  it('is repeated when the caller says that it does no harm', async () => {
    await using bench = await openCallerBench([resetAnswer, emptyAnswer(503), ok]);
    const response = await bench.call('/api/events', { ...post, idempotent: true });
    expect(response.status).toBe(200);
    expect(bench.received).toHaveLength(3);
  });
});

describe('a write that was surely not applied', () => {
  it('is repeated when nothing listened, for as many attempts as there are', async () => {
    const apiUrl = `http://localhost:${await findFreePort()}`;
    await using bench = await openCallerBench(ok, { apiUrl });
    await expect(bench.call('/api/events', post)).rejects.toMatchObject({
      code: 'upstream_unreachable',
    });
    // Localhost has two addresses, so that the refusal comes as one error for both.
    expect(bench.clock.pauses).toHaveLength(3);
  });

  it('is repeated after 429', async () => {
    await using bench = await openCallerBench([throttled('2'), ok]);
    expect((await bench.call('/api/events', post)).status).toBe(200);
    expect(bench.received.map(({ body }) => body)).toEqual([post.body, post.body]);
  });
});

describe('a stream', () => {
  it.each([
    ['429', throttled('1')],
    ['503', emptyAnswer(503)],
  ])('is not sent again after %s, even where the call might be', async (_name, answer) => {
    await using bench = await openCallerBench([answer, ok]);
    const body = Readable.from(['once']);
    const response = await bench.call('/api/image-upload', { method: 'PUT', body });
    expect(response.ok).toBe(false);
    expect(bench.received.map(({ body: text }) => text)).toEqual(['once']);
  });

  it('is not sent again after a broken connection', async () => {
    await using bench = await openCallerBench([resetAnswer, ok]);
    const body = Readable.from(['once']);
    await expect(bench.call('/api/image-upload', { method: 'PUT', body })).rejects.toMatchObject({
      code: 'upstream_unreachable',
    });
    expect(bench.received).toHaveLength(1);
  });
});

describe('a call that may be repeated', () => {
  it('gives up after four attempts and answers what came last', async () => {
    await using bench = await openCallerBench(jsonAnswer(503, { errors: [{ code: 'busy' }] }));
    const response = await bench.call('/api/profiles');
    expect(response.status).toBe(503);
    expect(await response.text()).toContain('busy');
    expect(bench.received).toHaveLength(4);
  });

  it('is not repeated after an answer that stays the same', async () => {
    for (const status of [400, 403, 404, 409, 501]) {
      await using bench = await openCallerBench(jsonAnswer(status, {}));
      expect((await bench.call('/api/profiles')).status).toBe(status);
      expect(bench.received).toHaveLength(1);
    }
  });

  it.each([408, 425, 500, 502, 503, 504, 524])('is repeated after %i', async (status) => {
    await using bench = await openCallerBench([emptyAnswer(status), ok]);
    expect((await bench.call('/api/profiles')).status).toBe(200);
    expect(bench.received).toHaveLength(2);
  });

  it('is repeated after a broken connection', async () => {
    await using bench = await openCallerBench([resetAnswer, ok]);
    expect((await bench.call('/api/profiles')).status).toBe(200);
  });

  it('is repeated after a challenge of the edge, which is no reason to refresh', async () => {
    const challenge = htmlAnswer(403, { 'cf-mitigated': 'challenge' });
    await using bench = await openCallerBench([challenge, htmlAnswer(400), ok]);
    expect((await bench.call('/api/profiles')).status).toBe(200);
    expect(bench.source.refused).toEqual([]);
    expect(bench.received).toHaveLength(3);
  });

  it('pauses longer each time, a little at random', async () => {
    await using bench = await openCallerBench(emptyAnswer(500));
    await bench.call('/api/profiles');
    const [first = 0, second = 0, third = 0] = bench.clock.pauses;
    for (const [pause, least] of [
      [first, 250],
      [second, 500],
      [third, 1000],
    ] as const) {
      expect(pause).toBeGreaterThanOrEqual(least);
      expect(pause).toBeLessThanOrEqual(least * 1.25);
    }
  });
});

describe('Retry-After', () => {
  it('is obeyed in seconds', async () => {
    await using bench = await openCallerBench([throttled('7'), ok]);
    expect((await bench.call('/api/profiles')).status).toBe(200);
    expect(bench.clock.pauses[0]).toBeGreaterThanOrEqual(7_000);
  });

  it('is obeyed as a date', async () => {
    const date = new Date(1_800_000_000_000 + 9_000).toUTCString();
    await using bench = await openCallerBench([throttled(date), ok]);
    expect((await bench.call('/api/profiles')).status).toBe(200);
    expect(bench.clock.pauses[0]).toBeGreaterThanOrEqual(9_000);
    expect(bench.clock.pauses[0]).toBeLessThanOrEqual(9_000 * 1.25);
  });

  it('is obeyed on 503 where the call may be repeated', async () => {
    await using bench = await openCallerBench([emptyAnswer(503, { 'retry-after': '5' }), ok]);
    expect((await bench.call('/api/profiles')).status).toBe(200);
    expect(bench.clock.pauses[0]).toBeGreaterThanOrEqual(5_000);
  });

  it('of more than five minutes is left to the caller, also where there is no deadline', async () => {
    await using bench = await openCallerBench([throttled('301'), ok]);
    const forever = { deadlineMs: Number.POSITIVE_INFINITY };
    expect((await bench.call('/api/profiles', forever)).status).toBe(429);
    expect(bench.clock.pauses).toEqual([]);
  });

  it('that passes the deadline ends the call with the answer at once', async () => {
    await using bench = await openCallerBench([throttled('3600'), ok]);
    const response = await bench.call('/api/profiles');
    expect(response.status).toBe(429);
    expect(response.headers.get('Retry-After')).toBe('3600');
    expect(bench.clock.pauses).toEqual([]);
  });
});
