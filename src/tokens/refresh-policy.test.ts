import { describe, expect, it } from 'vitest';
import type { Grant } from '../model/grant.ts';
import { backOffMs, isUsable } from './refresh-policy.ts';

const random = (fraction: number) =>
  ({ fraction: () => fraction }) as Parameters<typeof backOffMs>[2];

describe('backOffMs', () => {
  it('doubles, and leaves callers without a token a minute and a half at most after a long outage', () => {
    expect([0, 1, 2, 5].map((failures) => backOffMs(failures, undefined, random(0)))).toEqual([
      1_000, 2_000, 4_000, 32_000,
    ]);
    for (const failures of [6, 20, 1_000]) {
      expect(backOffMs(failures, undefined, random(0.999))).toBeLessThan(90_000);
    }
  });

  it('takes a Retry-After of nothing, or of a clock that is behind, for none', () => {
    expect(backOffMs(0, 0, random(0))).toBe(1_000);
    expect(backOffMs(3, 0, random(0))).toBe(8_000);
  });

  it('obeys Klaviyo up to an hour', () => {
    expect(backOffMs(9, 7, random(0))).toBe(7_000);
    expect(backOffMs(0, 999_999, random(0))).toBe(3_600_000);
  });
});

describe('isUsable', () => {
  const grant = (lifeMs: number | undefined) =>
    ({
      obtainedAtMs: 1_000_000,
      expiresAtMs: lifeMs === undefined ? undefined : 1_000_000 + lifeMs,
    }) as Grant;

  it('leaves a token five seconds for its way, and one that lives for seconds a tenth of them', () => {
    const lastMs = (lifeMs: number) => {
      let ageMs = 0;
      while (isUsable(grant(lifeMs), 1_000_000 + ageMs)) ageMs += 100;
      return ageMs;
    };
    expect(lastMs(3_600_000)).toBe(3_595_000);
    expect(lastMs(3_000)).toBe(2_700);
    expect(isUsable(grant(undefined), 9e12)).toBe(true);
  });
});
