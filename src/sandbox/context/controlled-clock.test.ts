import { describe, expect, it } from 'vitest';
import { createManualClock } from '../../runtime/clock.ts';
import { createControlledClock } from './controlled-clock.ts';

const start = () => {
  const base = createManualClock(1_000_000);
  const clock = createControlledClock(base);
  /** Sleeps, and tells whether it is over after everybody had a turn. */
  const sleeper = (ms: number, signal?: AbortSignal) => {
    let ended: 'asleep' | 'awake' | 'aborted' = 'asleep';
    void clock.sleep(ms, signal).then(
      () => (ended = 'awake'),
      () => (ended = 'aborted'),
    );
    return async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return ended;
    };
  };
  return { base, clock, sleeper };
};

describe('a controlled clock', () => {
  it('is the clock below until it is touched', async () => {
    const { base, clock, sleeper } = start();
    const state = sleeper(500);
    await base.advance(499);
    expect([clock.now(), await state()]).toEqual([1_000_499, 'asleep']);
    await base.advance(1);
    expect([clock.reading(), await state()]).toEqual([
      { nowMs: 1_000_500, frozen: false, aheadMs: 0 },
      'awake',
    ]);
  });

  it('stands still while it is frozen, whoever sleeps goes on sleeping', async () => {
    const { base, clock, sleeper } = start();
    const state = sleeper(500);
    clock.freeze();
    await base.advance(10_000);
    expect([clock.now(), await state()]).toEqual([1_000_000, 'asleep']);
    clock.advance(500);
    expect([clock.now(), await state()]).toEqual([1_000_500, 'awake']);
  });

  it('wakes sleepers that an advance passes, and lets the others sleep the rest', async () => {
    const { base, clock, sleeper } = start();
    const [short, long] = [sleeper(500), sleeper(5_000)];
    clock.advance(3_000);
    expect([await short(), await long()]).toEqual(['awake', 'asleep']);
    await base.advance(1_999);
    expect(await long()).toBe('asleep');
    await base.advance(1);
    expect([clock.now(), await long()]).toEqual([1_005_000, 'awake']);
  });

  it('runs on from where it stands, or from real time', async () => {
    const { base, clock } = start();
    clock.freeze(2_000_000);
    await base.advance(100);
    clock.resume();
    await base.advance(100);
    expect(clock.now()).toBe(2_000_100);
    clock.resume('real-time');
    expect(clock.reading()).toEqual({ nowMs: 1_000_200, frozen: false, aheadMs: 0 });
  });

  it('lets a sleeper be called off, frozen or not', async () => {
    const { clock, sleeper } = start();
    const call = new AbortController();
    const state = sleeper(500, call.signal);
    clock.freeze();
    expect(await state()).toBe('asleep');
    call.abort();
    expect(await state()).toBe('aborted');
    expect(await sleeper(500, AbortSignal.abort())()).toBe('aborted');
  });
});
