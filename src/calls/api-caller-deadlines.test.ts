import type { ServerResponse } from 'node:http';
import { describe, expect, it, vi } from 'vitest';
import { keyCredential, noAnswer, openCallerBench } from '../../test/support/api-caller-fixture.ts';
import { jsonAnswer, type Answer } from '../../test/support/loopback-server.ts';
import { systemClock } from '../runtime/clock.ts';

const real = { clock: systemClock };

/** Sends a beginning, and never the end. */
const dribble: Answer = (response) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.write('{"data":');
};

/** Milliseconds until `work` rejects, and with what. */
async function rejection(work: Promise<unknown>): Promise<{ error: unknown; tookMs: number }> {
  const startedMs = performance.now();
  const error = await work.then(
    () => new Error('it did not reject'),
    (reason: unknown) => reason,
  );
  return { error, tookMs: performance.now() - startedMs };
}

/** Answers that fill every buffer on their way, and whether the connections of all are free again. */
function countLargeAnswers() {
  let open = 0;
  return {
    answer: (response: ServerResponse) => {
      open += 1;
      response.on('close', () => (open -= 1));
      response.end(Buffer.alloc(32 * 1024 * 1024));
    },
    areFree: () => open === 0,
  };
}

describe('the deadline of a call', () => {
  it('ends the wait for an answer', async () => {
    await using bench = await openCallerBench(noAnswer, real);
    const { error, tookMs } = await rejection(bench.call('/api/profiles', { deadlineMs: 200 }));
    expect(error).toMatchObject({
      code: 'upstream_timeout',
      message: '/api/profiles gave no whole answer within 200 ms.',
    });
    expect(tookMs).toBeLessThan(10_000);
    expect(bench.received).toHaveLength(1);
  });

  it('ends the wait for a credential', async () => {
    await using bench = await openCallerBench(noAnswer, real);
    const { error } = await rejection(
      bench.call(
        '/api/profiles',
        { deadlineMs: 100 },
        {
          pick: (_call, { signal }) =>
            new Promise((_resolve, reject) => {
              signal?.addEventListener('abort', () => reject(signal.reason as Error));
            }),
        },
      ),
    );
    expect(error).toMatchObject({ code: 'upstream_timeout' });
    expect(bench.received).toEqual([]);
  });

  it('ends the reading of a body', async () => {
    await using bench = await openCallerBench(dribble, real);
    for (const read of ['text', 'json', 'arrayBuffer'] as const) {
      const response = await bench.call('/api/profiles', { deadlineMs: 1_000 });
      expect(response.status).toBe(200);
      const { error, tookMs } = await rejection(response[read]());
      expect(error).toMatchObject({ code: 'upstream_timeout' });
      expect(tookMs).toBeLessThan(10_000);
    }
  });

  it('ends an answer that nobody reads, so that its connection is free again', async () => {
    const { answer, areFree } = countLargeAnswers();
    await using bench = await openCallerBench(answer, real);
    const call = () => bench.call('/api/profiles', { deadlineMs: 300 });
    const [response] = await Promise.all([call(), call(), call()]);
    await vi.waitUntil(areFree, { timeout: 20_000 });
    await expect(response.text()).rejects.toMatchObject({ code: 'upstream_timeout' });
  });

  it.each([0, -1, -Infinity])('that is over sends nothing: %d', async (deadlineMs) => {
    await using bench = await openCallerBench(noAnswer, real);
    const call = bench.call('/api/events', { method: 'POST', body: '{}', deadlineMs });
    await expect(call).rejects.toMatchObject({ code: 'upstream_timeout' });
    expect(bench.received).toEqual([]);
  });

  it.each([Number.NaN, '5'])('is refused where it is no number: %s', async (deadlineMs) => {
    await using bench = await openCallerBench(noAnswer, real);
    const call = bench.call('/api/profiles', { deadlineMs: deadlineMs as number });
    await expect(call).rejects.toMatchObject({ code: 'request_invalid' });
  });

  it('may be without end', async () => {
    await using bench = await openCallerBench(jsonAnswer(200, {}), real);
    const response = await bench.call('/api/profiles', { deadlineMs: Number.POSITIVE_INFINITY });
    expect(await response.json()).toEqual({});
  });
});

describe('the signal of a call', () => {
  const reason = new Error('the caller disconnected');

  it('that is aborted already sends nothing', async () => {
    await using bench = await openCallerBench(noAnswer, real);
    const signal = AbortSignal.abort(reason);
    expect((await rejection(bench.call('/api/profiles', { signal }))).error).toBe(reason);
    expect(bench.received).toEqual([]);
  });

  it('ends the wait for an answer with its reason, and no attempt follows', async () => {
    await using bench = await openCallerBench(noAnswer, real);
    const abort = new AbortController();
    setTimeout(() => abort.abort(reason), 50);
    const call = bench.call('/api/profiles', { signal: abort.signal });
    expect((await rejection(call)).error).toBe(reason);
    expect(bench.received).toHaveLength(1);
  });

  it('ends an answer that nobody reads', async () => {
    const { answer, areFree } = countLargeAnswers();
    await using bench = await openCallerBench(answer, real);
    const controller = new AbortController();
    await bench.call('/api/profiles', { signal: controller.signal });
    controller.abort();
    await vi.waitUntil(areFree, { timeout: 20_000 });
  });

  it('ends a pause', async () => {
    await using bench = await openCallerBench(jsonAnswer(429, {}, { 'retry-after': '30' }), real);
    const abort = new AbortController();
    setTimeout(() => abort.abort(reason), 100);
    const call = bench.call('/api/profiles', { signal: abort.signal });
    const { error, tookMs } = await rejection(call);
    expect(error).toBe(reason);
    expect(tookMs).toBeLessThan(10_000);
  });

  it('ends the reading of a body', async () => {
    await using bench = await openCallerBench(dribble, real);
    const abort = new AbortController();
    const response = await bench.call('/api/profiles', { signal: abort.signal });
    setTimeout(() => abort.abort(reason), 50);
    expect((await rejection(response.text())).error).toBe(reason);
  });

  it('is heard by the credential source', async () => {
    await using bench = await openCallerBench(jsonAnswer(200, {}), real);
    let heard: AbortSignal | undefined;
    const abort = new AbortController();
    await bench.call(
      '/api/profiles',
      { signal: abort.signal },
      {
        pick: async (_call, { signal }) => {
          heard = signal;
          return keyCredential();
        },
      },
    );
    expect(heard?.aborted).toBe(false);
    abort.abort(reason);
    expect(heard?.reason).toBe(reason);
  });
});
