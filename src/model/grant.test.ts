import { describe, expect, it } from 'vitest';
import { isUsable } from './grant.ts';

describe('isUsable', () => {
  const grant = (lifeMs: number | undefined) => ({
    obtainedAtMs: 1_000_000,
    expiresAtMs: lifeMs === undefined ? undefined : 1_000_000 + lifeMs,
  });

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
