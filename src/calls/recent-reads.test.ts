import { describe, expect, it } from 'vitest';
import { createManualClock } from '../runtime/clock.ts';
import { createRecentReads, routeAgeMs } from './recent-reads.ts';

describe('what was read a moment ago', () => {
  it('is read again after its time, and kept for as long as nothing was written', async () => {
    const clock = createManualClock();
    let version: string | undefined = 'a';
    let value = 1;
    const reads = createRecentReads<number>({
      ...{ clock, maxAgeMs: routeAgeMs, capacity: 10, version: () => version },
    });
    const get = () => reads.get('one', async () => value);
    expect(await get()).toBe(1);
    value = 2;
    await clock.advance(10 * routeAgeMs);
    expect(get()).toBe(1);
    version = 'b';
    expect(get()).toBe(1);
    await clock.advance(routeAgeMs);
    expect(await get()).toBe(2);
    version = undefined;
    value = 3;
    await clock.advance(routeAgeMs);
    expect(await get()).toBe(3);
    value = 4;
    await clock.advance(routeAgeMs);
    expect(await get()).toBe(4);
  });

  it('is read again when something was written while it was read', async () => {
    const clock = createManualClock();
    let version = 'a';
    const reads = createRecentReads<string>({
      ...{ clock, maxAgeMs: routeAgeMs, capacity: 10, version: () => version },
    });
    const slow = reads.get('one', async () => {
      version = 'b';
      return 'from before';
    });
    expect(await slow).toBe('from before');
    await clock.advance(routeAgeMs);
    expect(await reads.get('one', async () => 'from after')).toBe('from after');
  });
});
