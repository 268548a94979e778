import { describe, expect, it } from 'vitest';
import { backOffMs } from './refresh-policy.ts';

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
