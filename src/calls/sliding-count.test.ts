import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSlidingCount, slices } from './sliding-count.ts';

/** The plain way to do it: a list of every call, and none forgotten too early or too late. */
function createExactCount(limit: number, lengthMs: number) {
  const calls: number[] = [];
  return {
    calls,
    allows: (nowMs: number) => calls.filter((atMs) => atMs > nowMs - lengthMs).length < limit,
  };
}

const schedule = fc.record({
  limit: fc.integer({ min: 1, max: 12 }),
  lengthMs: fc.integer({ min: 40, max: 5_000 }),
  startMs: fc.integer({ min: 0, max: 2_000_000_000_000 }),
  stepsMs: fc.array(
    fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 6_000 })),
    { minLength: 1, maxLength: 200 },
  ),
});

describe('a sliding count', () => {
  it('never lets more calls into any stretch of its length than its limit', () => {
    fc.assert(
      fc.property(schedule, ({ limit, lengthMs, startMs, stepsMs }) => {
        const count = createSlidingCount(limit, lengthMs);
        const exact = createExactCount(limit, lengthMs);
        let nowMs = startMs;
        for (const stepMs of stepsMs) {
          nowMs += stepMs;
          if (count.waitMs(nowMs) > 0) continue;
          expect(exact.allows(nowMs)).toBe(true);
          count.add(nowMs);
          exact.calls.push(nowMs);
        }
      }),
    );
  });

  it('holds no call back for longer than one slice more than it must', () => {
    fc.assert(
      fc.property(schedule, ({ limit, lengthMs, startMs, stepsMs }) => {
        const count = createSlidingCount(limit, lengthMs);
        const late = createExactCount(limit, lengthMs + (2 * lengthMs) / slices);
        let nowMs = startMs;
        for (const stepMs of stepsMs) {
          nowMs += stepMs;
          if (count.waitMs(nowMs) > 0) {
            expect(late.allows(nowMs)).toBe(false);
            continue;
          }
          count.add(nowMs);
          late.calls.push(nowMs);
        }
      }),
    );
  });

  it('has a place after as long as it says, and not before', () => {
    fc.assert(
      fc.property(schedule, ({ limit, lengthMs, startMs, stepsMs }) => {
        const count = createSlidingCount(limit, lengthMs);
        let nowMs = startMs;
        for (const stepMs of stepsMs) {
          nowMs += stepMs;
          const waitMs = count.waitMs(nowMs);
          if (waitMs > 0) {
            const dueMs = nowMs + Math.ceil(waitMs);
            if (waitMs > 2) expect(count.waitMs(nowMs + waitMs - 1)).toBeGreaterThan(0);
            // Time as a floating number may be off by its last bit.
            expect(count.waitMs(dueMs)).toBeLessThan(0.01);
            nowMs = dueMs + 1;
          }
          count.add(nowMs);
        }
      }),
    );
  });

  it('begins anew when the clock was set back', () => {
    const count = createSlidingCount(2, 1_000);
    count.add(1_800_000_000_000);
    count.add(1_800_000_000_000);
    expect(count.waitMs(1_800_000_000_000)).toBeGreaterThan(0);
    expect(count.waitMs(1_700_000_000_000)).toBe(0);
  });
});
