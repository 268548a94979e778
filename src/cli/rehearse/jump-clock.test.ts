import { describe, expect, it } from 'vitest';
import { createJumpClock } from './jump-clock.ts';

describe('a jump clock', () => {
  it('stands still until it is moved, and never goes back', () => {
    const clock = createJumpClock(1_000);
    clock.jumpTo(5_000);
    clock.jumpTo(2_000);
    expect(clock.now()).toBe(5_000);
  });

  it('moves by itself when everybody sleeps, to the first who wakes up', async () => {
    const clock = createJumpClock(0);
    const order: string[] = [];
    const long = clock.sleep(86_400_000).then(() => order.push(`long ${clock.now()}`));
    await clock.sleep(500).then(() => order.push(`short ${clock.now()}`));
    await long;
    expect(order).toEqual(['short 500', 'long 86400000']);
  });

  it('wakes sleepers whose time has come when it jumps over it', async () => {
    const clock = createJumpClock(0);
    const slept = clock.sleep(1_000);
    clock.jumpTo(3_600_000);
    await slept;
    expect(clock.now()).toBe(3_600_000);
  });

  it('ends a sleep with the reason of its signal', async () => {
    const clock = createJumpClock(0);
    const abort = new AbortController();
    const slept = clock.sleep(86_400_000, abort.signal);
    abort.abort(new Error('enough'));
    await expect(slept).rejects.toThrow('enough');
    await expect(clock.sleep(1, abort.signal)).rejects.toThrow('enough');
    expect(clock.now()).toBe(0);
  });
});
