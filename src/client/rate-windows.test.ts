import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findOperation, type Operation } from '../klaviyo/operations.ts';
import { createManualClock } from '../runtime/clock.ts';
import { createRateLimiter } from '../sandbox/api/rate-limiter.ts';
import { createRateWindows } from './rate-windows.ts';

function operationOf(burst: string, steady: string, daily?: string): Operation {
  const { operation } = findOperation('GET', '/api/accounts')!;
  return { ...operation, id: `${burst} ${steady}`, burst, steady, ...(daily ? { daily } : {}) };
}

const startMs = 1_800_000_000_000;

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
    windows.block('q', operation, startMs + 5_000);
    windows.block('q', operation, startMs + 1_000);
    expect(windows.take('q', operation, startMs)).toBe(5_000);
    expect(windows.take('other', operation, startMs)).toBe(0);
    expect(windows.take('q', operation, startMs + 5_000)).toBe(0);
  });

  it('learn only from headers that say that nothing is left', () => {
    const operation = operationOf('10/s', '100/m');
    const windows = createRateWindows();
    for (const [remaining, reset] of [
      ['1', '60'],
      ['0', undefined],
      [undefined, '60'],
      ['0', 'soon'],
      ['none', '0'],
      ['0', '-1'],
    ] as const) {
      windows.learn('q', operation, { remaining, reset }, startMs);
      expect(windows.take('q', operation, startMs)).toBe(0);
    }
    windows.learn('q', operation, { remaining: '0', reset: '42' }, startMs);
    expect(windows.take('q', operation, startMs)).toBe(42_000);
  });

  it('forget the counters that were opened first when there are too many', () => {
    const operation = operationOf('1/s', '15/m');
    const windows = createRateWindows(2);
    for (const quota of ['a', 'b', 'c']) windows.take(quota, operation, startMs);
    expect(windows.take('c', operation, startMs)).toBeGreaterThan(0);
    expect(windows.take('a', operation, startMs)).toBe(0);
  });
});
