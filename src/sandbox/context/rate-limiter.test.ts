import { describe, expect, it } from 'vitest';
import { operations } from '../../klaviyo/operations.ts';
import { createManualClock } from '../../runtime/clock.ts';
import { startTestSandbox } from '../../../test/support/sandbox-client.ts';
import { createRateLimiter } from './rate-limiter.ts';

const operationOf = (id: string) => {
  const operation = operations.find((candidate) => candidate.id === id);
  if (!operation) throw new Error(`no operation ${id}`);
  return operation;
};

describe('rate limits over HTTP', () => {
  it('throttles the second call in a second, with Retry-After and nothing else', async () => {
    await using test = await startTestSandbox({ limits: true });
    const first = await test.get('/api/accounts');
    expect(first.status).toBe(200);
    expect(first.headers.get('ratelimit-limit')).toBe('1, 1;w=1, 15;w=60');
    expect(first.headers.get('ratelimit-remaining')).toBe('0');
    expect(first.headers.get('ratelimit-reset')).toBe('1');
    await test.clock.advance(400);
    const second = await test.get('/api/accounts');
    expect(second.status).toBe(429);
    expect(second.at('errors.0.code')).toBe('throttled');
    expect(second.headers.get('retry-after')).toBe('1');
    expect(second.headers.has('ratelimit-limit')).toBe(false);
    await test.clock.advance(600);
    expect((await test.get('/api/accounts')).status).toBe(200);
  });

  it('answers 15 of 16 calls within a minute, one a second', async () => {
    await using test = await startTestSandbox({ limits: true });
    const statuses: number[] = [];
    for (let call = 0; call < 15; call++) {
      statuses.push((await test.get('/api/accounts')).status);
      await test.clock.advance(1_000);
    }
    const last = await test.get('/api/accounts');
    expect(statuses).toEqual(Array.from({ length: 15 }, () => 200));
    expect(last.status).toBe(429);
    expect(last.headers.get('retry-after')).toBe('45');
    await test.clock.advance(45_000);
    expect((await test.get('/api/accounts')).status).toBe(200);
  });

  it('shares one quota among an account’s keys, and gives each app and account its own', async () => {
    await using test = await startTestSandbox({ limits: true });
    const { access_token } = await test.install();
    expect((await test.get('/api/accounts', 'pk_alphafull')).status).toBe(200);
    expect((await test.get('/api/accounts', 'pk_alphareader')).status).toBe(429);
    expect((await test.get('/api/accounts', access_token)).status).toBe(200);
    expect((await test.get('/api/accounts', access_token)).status).toBe(429);
    expect((await test.get('/api/accounts', 'pk_betafull')).status).toBe(200);
    expect((await test.get('/api/accounts/AAA111', 'pk_alphafull')).status).toBe(200);
  });

  it('counts no call that was refused for its credential, revision or scopes', async () => {
    await using test = await startTestSandbox({ limits: true });
    expect((await test.get('/api/accounts', 'pk_nobody')).status).toBe(401);
    expect((await test.get('/api/accounts', 'pk_alphametrics')).status).toBe(403);
    expect((await test.get('/api/accounts')).status).toBe(200);
  });

  it('limits operations it does not implement too, and nothing when limits are off', async () => {
    await using test = await startTestSandbox({ limits: true });
    expect((await test.get('/api/tracking-settings')).headers.has('ratelimit-limit')).toBe(true);
    await using free = await startTestSandbox({ limits: false });
    for (let call = 0; call < 20; call++) {
      const reply = await free.get('/api/accounts');
      expect(reply.status).toBe(200);
      expect(reply.headers.has('ratelimit-limit')).toBe(false);
    }
  });
});

describe('createRateLimiter', () => {
  it('enforces a daily window beside the others', () => {
    const clock = createManualClock();
    const limiter = createRateLimiter(clock);
    const operation = operationOf('create_custom_metric');
    const allowed = () => limiter.take(operation, 'q').allowed;
    for (let call = 0; call < 15; call++) {
      expect(allowed()).toBe(true);
      void clock.advance(60_000);
    }
    expect(limiter.take(operation, 'q')).toEqual({ allowed: false, retryAfterSec: 86_400 - 900 });
    expect(limiter.take(operation, 'other').allowed).toBe(true);
  });

  it('leads with the window that has the least left', async () => {
    const clock = createManualClock();
    const limiter = createRateLimiter(clock);
    const operation = operationOf('get_metrics');
    const headers = () => {
      const decision = limiter.take(operation, 'q');
      return decision.allowed ? decision.headers : {};
    };
    expect(headers()).toEqual({
      'ratelimit-limit': '10, 10;w=1, 150;w=60',
      'ratelimit-remaining': '9',
      'ratelimit-reset': '1',
    });
    for (let call = 1; call < 144; call++) {
      if (call % 9 === 0) await clock.advance(1_000);
      headers();
    }
    await clock.advance(1_000);
    expect(headers()).toEqual({
      'ratelimit-limit': '150, 10;w=1, 150;w=60',
      'ratelimit-remaining': '5',
      'ratelimit-reset': '44',
    });
  });

  it('forgets counters whose windows are over, and only those', async () => {
    const clock = createManualClock();
    const limiter = createRateLimiter(clock, 100);
    const operation = operationOf('get_accounts');
    for (let quota = 0; quota < 99; quota++) limiter.take(operation, `old-${quota}`);
    await clock.advance(59_000);
    limiter.take(operation, 'young');
    await clock.advance(1_000);
    limiter.take(operation, 'new');
    expect(limiter.size()).toBe(2);
    for (let call = 1; call < 15; call++) {
      expect(limiter.take(operation, 'young').allowed).toBe(true);
      await clock.advance(1_000);
    }
    expect(limiter.take(operation, 'young').allowed).toBe(false);
  });
});
