import { describe, expect, it } from 'vitest';
import { createRateLimiter } from '../sandbox/context/rate-limiter.ts';
import { keySource, openCallerBench } from '../../test/support/api-caller-fixture.ts';
import { jsonAnswer, type Answer } from '../../test/support/loopback-server.ts';
import { findOperation } from '../klaviyo/operations.ts';
import { systemClock } from '../runtime/clock.ts';

const ok = jsonAnswer(200, { data: [] });
const withRate = (headers: Record<string, string>) => jsonAnswer(200, {}, headers);

describe('the windows of an operation', () => {
  // A machine that stands still for a second delivers two batches at once; one in four tries does not.
  it('slow calls down before Klaviyo has to say so', { retry: 3, timeout: 60_000 }, async () => {
    // Real time and Klaviyo's own rule: metrics may be listed ten times a second.
    const limiter = createRateLimiter(systemClock);
    const { operation } = findOperation('GET', '/api/metrics')!;
    const limited: Answer = (response, request) => {
      const decision = limiter.take(operation, 'oauth AAA111');
      if (decision.allowed) ok(response, request);
      else
        jsonAnswer(429, {}, { 'retry-after': String(decision.retryAfterSec) })(response, request);
    };
    let refused = 0;
    const counting: Answer = (response, request) => {
      limited(response, request);
      if (response.statusCode === 429) refused += 1;
    };
    await using bench = await openCallerBench(counting, { clock: systemClock });
    const startedMs = performance.now();
    const calls = Array.from({ length: 25 }, () => bench.call('/api/metrics'));
    for (const response of await Promise.all(calls)) expect(response.status).toBe(200);
    // 15 without windows; one or two where a busy machine delivers calls closer together.
    expect(refused).toBeLessThan(5);
    expect(performance.now() - startedMs).toBeGreaterThan(2_000);
  });

  it('that are used up for longer than the deadline refuse the call without sending it', async () => {
    await using bench = await openCallerBench(ok);
    const send = () => bench.call('/api/accounts', { deadlineMs: 500 });
    expect((await send()).status).toBe(200);
    await expect(send()).rejects.toMatchObject({ code: 'upstream_throttled', retryAfterSec: 2 });
    expect(bench.received).toHaveLength(1);
  });

  it('are apart for each quota and each operation', async () => {
    await using bench = await openCallerBench(ok);
    await bench.call('/api/accounts');
    await bench.call('/api/accounts', {}, keySource);
    await bench.call('/api/accounts/AAA111');
    expect(bench.clock.pauses).toEqual([]);
    await bench.call('/api/accounts');
    expect(bench.clock.pauses).toHaveLength(1);
  });

  it('are not kept for a path that Klaviyo’s table does not know', async () => {
    await using bench = await openCallerBench(ok);
    for (let i = 0; i < 50; i += 1) await bench.call('/api/not-yet-known');
    expect(bench.clock.pauses).toEqual([]);
  });

  it('learn from RateLimit headers that others draw on the same quota', async () => {
    await using bench = await openCallerBench([
      withRate({ 'ratelimit-limit': '75, 75;w=1, 750;w=60' }),
      withRate({ 'ratelimit-remaining': '700', 'ratelimit-reset': '30' }),
      withRate({ 'ratelimit-remaining': '0', 'ratelimit-reset': '30' }),
      ok,
    ]);
    for (let i = 0; i < 3; i += 1) await bench.call('/api/profiles');
    expect(bench.clock.pauses).toEqual([]);
    await bench.call('/api/profiles');
    expect(bench.clock.pauses).toEqual([30_000]);
  });

  it('learn from a 429, for every caller', async () => {
    const throttled = jsonAnswer(429, {}, { 'retry-after': '50' });
    await using bench = await openCallerBench([throttled, ok]);
    // Too long for its own deadline, so that it is answered at once.
    expect((await bench.call('/api/profiles', { deadlineMs: 1_000 })).status).toBe(429);
    await expect(bench.call('/api/profiles', { deadlineMs: 1_000 })).rejects.toMatchObject({
      code: 'upstream_throttled',
      retryAfterSec: 50,
    });
    expect((await bench.call('/api/profiles')).status).toBe(200);
    expect(bench.clock.pauses).toEqual([50_000]);
    expect(bench.received).toHaveLength(2);
  });
});
