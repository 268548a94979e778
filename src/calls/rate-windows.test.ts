import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findOperation, type Operation } from '../klaviyo/operations.ts';
import { createManualClock } from '../runtime/clock.ts';
import { createRateLimiter } from '../sandbox/context/rate-limiter.ts';
import { createRateWindows } from './rate-windows.ts';

function operationOf(burst: string, steady: string, daily?: string): Operation {
  const { operation } = findOperation('GET', '/api/accounts')!;
  return { ...operation, id: `${burst} ${steady}`, burst, steady, ...(daily ? { daily } : {}) };
}

const startMs = 1_800_000_000_000;

interface Drawing {
  readonly processes: number;
  readonly burst: number;
  readonly steady: number;
  /** Whether the processes do not hear what `RateLimit-*` says. */
  readonly deaf?: boolean;
}

/**
 * Lets processes call as often as their windows allow, for a minute, and a limiter as Klaviyo has
 * it decide. An answer is heard 40 ms after its call was made.
 */
async function drawTogether({ processes, burst, steady, deaf = false }: Drawing) {
  const operation = operationOf(`${burst}/s`, `${steady}/m`);
  const clock = createManualClock(startMs);
  const limiter = createRateLimiter(clock);
  const windows = Array.from({ length: processes }, () => createRateWindows());
  const heard: { readonly atMs: number; readonly hear: () => void }[] = [];
  const tally = { sent: 0, refused: 0, refusedLater: 0 };
  for (let nowMs = startMs; nowMs < startMs + 60_000; nowMs += 10) {
    while ((heard[0]?.atMs ?? Infinity) <= nowMs) heard.shift()?.hear();
    for (const mine of windows) {
      if (mine.take('q', operation, nowMs) > 0) continue;
      const decision = limiter.take(operation, 'q');
      tally[decision.allowed ? 'sent' : 'refused'] += 1;
      if (!decision.allowed && nowMs > startMs + 1_500) tally.refusedLater += 1;
      heard.push({
        atMs: nowMs + 40,
        hear: () => {
          if (!decision.allowed) {
            mine.block('q', operation, decision.retryAfterSec, nowMs + 40);
          } else if (!deaf) {
            const { headers } = decision;
            mine.learn(
              'q',
              operation,
              {
                limit: headers['ratelimit-limit'],
                remaining: headers['ratelimit-remaining'],
                reset: headers['ratelimit-reset'],
              },
              nowMs + 40,
            );
          }
        },
      });
    }
    await clock.advance(10);
  }
  return tally;
}

describe('the windows of a process', () => {
  it('keep a fixed-window limiter from ever refusing, whatever its alignment', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 5, max: 12 }),
        fc.array(fc.integer({ min: 0, max: 1_500 }), { minLength: 20, maxLength: 120 }),
        fc.array(fc.integer({ min: 0, max: 15 }), { minLength: 120, maxLength: 120 }),
        async (burst, steady, stepsMs, latenciesMs) => {
          const operation = operationOf(`${burst}/s`, `${steady}/m`);
          const windows = createRateWindows();
          const clock = createManualClock(startMs);
          const limiter = createRateLimiter(clock);
          const arrivals: number[] = [];
          let nowMs = startMs;
          for (const [index, stepMs] of stepsMs.entries()) {
            nowMs += stepMs;
            if (windows.take('q', operation, nowMs) > 0) continue;
            arrivals.push(nowMs + (latenciesMs[index] ?? 0));
          }
          for (const atMs of arrivals.toSorted((a, b) => a - b)) {
            await clock.advance(atMs - clock.now());
            expect(limiter.take(operation, 'q').allowed).toBe(true);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('hold back a batch that follows upon another, one second after a lonely call', () => {
    const operation = operationOf('10/s', '600/m');
    const windows = createRateWindows();
    const takeUpTo = (count: number, atMs: number) =>
      Array.from({ length: count }, () => windows.take('q', operation, atMs)).filter(
        (waitMs) => waitMs === 0,
      ).length;
    expect(takeUpTo(1, startMs)).toBe(1);
    // Klaviyo's window of the lonely call is over; one of ours may not end between the batches.
    const first = takeUpTo(10, startMs + 1_010);
    const second = takeUpTo(10, startMs + 1_031);
    expect(first + second).toBeLessThanOrEqual(10);
  });

  it('let a process that always waits as told through at nearly the full rate', () => {
    const operation = operationOf('10/s', '600/m');
    const windows = createRateWindows();
    let nowMs = startMs;
    for (let sent = 0; sent < 300;) {
      const waitMs = windows.take('q', operation, nowMs);
      if (waitMs === 0) sent += 1;
      nowMs += waitMs;
    }
    const perSec = 300 / ((nowMs - startMs) / 1000);
    expect(perSec).toBeGreaterThan(9);
    expect(perSec).toBeLessThanOrEqual(10.4);
  });

  it('keep a daily limit too', () => {
    const operation = operationOf('3/s', '100/m', '5/d');
    const windows = createRateWindows();
    let nowMs = startMs;
    for (let sent = 0; sent < 5;) {
      const waitMs = windows.take('q', operation, nowMs);
      if (waitMs === 0) sent += 1;
      nowMs += waitMs;
    }
    expect(windows.take('q', operation, nowMs)).toBeGreaterThan(23 * 3_600_000);
  });

  it('take nothing while they are blocked, and hold no grudge afterwards', () => {
    const operation = operationOf('1/s', '15/m');
    const windows = createRateWindows();
    windows.block('q', operation, 5, startMs);
    windows.block('q', operation, 1, startMs);
    expect(windows.take('q', operation, startMs)).toBe(5_000);
    expect(windows.take('other', operation, startMs)).toBe(0);
    expect(windows.take('q', operation, startMs + 5_000)).toBe(0);
  });

  it('learn nothing from headers that make no sense', () => {
    const operation = operationOf('10/s', '100/m');
    const windows = createRateWindows();
    for (const [limit, remaining, reset] of [
      [undefined, '0', undefined],
      [undefined, undefined, '60'],
      [undefined, '0', 'soon'],
      [undefined, 'none', '0'],
      [undefined, '0', '-1'],
      ['0;w=1, 0;w=60', '50', '1e9'],
      ['ten;w=1', '', ''],
      [';;,,', '5', '99999999999'],
    ] as const) {
      windows.learn('q', operation, { limit, remaining, reset }, startMs);
      expect(windows.take('q', operation, startMs)).toBe(0);
    }
  });

  it('take nothing once nothing is left, until the window is over', () => {
    const operation = operationOf('10/s', '100/m');
    const windows = createRateWindows();
    const headers = { limit: undefined, remaining: '0', reset: '42' };
    windows.learn('q', operation, headers, startMs);
    expect(windows.take('q', operation, startMs)).toBe(42_000);
    expect(windows.take('q', operation, startMs + 42_000)).toBe(0);
  });

  it('ask again within the hour, however long a 429 bade to wait', () => {
    const operation = operationOf('10/s', '100/m');
    const windows = createRateWindows();
    windows.block('q', operation, 86_400 * 365, startMs);
    expect(windows.take('q', operation, startMs)).toBe(3_600_000);
    expect(windows.take('q', operation, startMs + 3_600_000)).toBe(0);
  });

  it('go by the limits that Klaviyo states, not by the table’s, and forget no call over it', () => {
    const operation = operationOf('3/s', '60/m');
    const windows = createRateWindows();
    const take = () => windows.take('q', operation, startMs);
    const learn = (limit: string) =>
      windows.learn('q', operation, { limit, remaining: undefined, reset: undefined }, startMs);
    expect([take(), take()]).toEqual([0, 0]);
    learn('5, 5;w=1, 60;w=60');
    expect([take(), take(), take()]).toEqual([0, 0, 0]);
    expect(take()).toBeGreaterThan(0);
    learn('1, 1;w=1, 15;w=60');
    expect(windows.take('q', operation, startMs + 900)).toBeGreaterThan(0);
  });

  it('stop short of a limit that others have nearly used up', () => {
    const operation = operationOf('10/s', '100/m');
    const windows = createRateWindows();
    expect(windows.take('q', operation, startMs)).toBe(0);
    const limit = '100, 10;w=1, 100;w=60';
    windows.learn('q', operation, { limit, remaining: '4', reset: '42' }, startMs);
    expect(windows.take('q', operation, startMs)).toBe(42_000);
    expect(windows.take('other', operation, startMs)).toBe(0);
    // And come back when others have.
    expect(windows.take('q', operation, startMs + 42_000)).toBe(0);
    expect(windows.take('q', operation, startMs + 42_000)).toBe(0);
  });

  it('use a limit up to its end where nobody else draws on it', async () => {
    const { sent, refused } = await drawTogether({ processes: 1, burst: 20, steady: 200 });
    expect(refused).toBe(0);
    expect(sent).toBeGreaterThanOrEqual(200);
  });

  it.each([
    [2, 5],
    [4, 20],
    [8, 80],
  ])('of %i processes that share a quota keep it together', async (processes, most) => {
    const deaf = await drawTogether({ processes, burst: 40, steady: 1_000, deaf: true });
    const { sent, refusedLater } = await drawTogether({ processes, burst: 40, steady: 1_000 });
    expect(refusedLater).toBeLessThan(deaf.refusedLater);
    expect(refusedLater).toBeLessThanOrEqual(most);
    expect(sent).toBeGreaterThan(950);
  });

  it('forget the counters that were opened first when there are too many', () => {
    const operation = operationOf('1/s', '15/m');
    const windows = createRateWindows(2);
    for (const quota of ['a', 'b', 'c']) windows.take(quota, operation, startMs);
    expect(windows.take('c', operation, startMs)).toBeGreaterThan(0);
    expect(windows.take('a', operation, startMs)).toBe(0);
  });
});
