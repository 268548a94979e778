import { describe, expect, it } from 'vitest';
import { createManualClock, systemClock } from './clock.ts';

const pending = Symbol('pending');

/** What a promise is now, without waiting for it. */
const peek = (promise: Promise<unknown>) =>
  Promise.race([promise, new Promise((resolve) => setImmediate(resolve, pending))]);

describe.each([
  ['the machine’s clock', systemClock],
  ['a manual clock', createManualClock()],
])('%s', (_name, clock) => {
  it('does not begin to sleep when the signal is aborted already', async () => {
    const reason = new Error('gone');
    await expect(clock.sleep(10, AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  it('wakes a sleeper with the reason of the signal', async () => {
    const abort = new AbortController();
    const slept = clock.sleep(60_000, abort.signal);
    const reason = new Error('gone');
    abort.abort(reason);
    await expect(slept).rejects.toBe(reason);
  });
});

describe('a timer', () => {
  it('of the machine’s clock calls once, unless it is cancelled before', async () => {
    const called: string[] = [];
    systemClock.timer(5, () => called.push('due'));
    systemClock.timer(5, () => called.push('cancelled')).cancel();
    await systemClock.sleep(40);
    expect(called).toEqual(['due']);
  });

  it('of a manual clock calls when its time has come, and later when it is restarted', async () => {
    const clock = createManualClock(0);
    const called: number[] = [];
    const timer = clock.timer(100, () => called.push(clock.now()));
    await clock.advance(60);
    timer.restart();
    await clock.advance(60);
    expect(called).toEqual([]);
    await clock.advance(60);
    expect(called).toEqual([160]);
    clock.timer(10, () => called.push(-1)).cancel();
    await clock.advance(100);
    expect(called).toEqual([160]);
  });
});

describe('the machine’s clock', () => {
  it('sleeps for longer than a timer of Node can hold', async () => {
    const abort = new AbortController();
    const slept = systemClock.sleep(2 ** 31, abort.signal);
    slept.catch(() => undefined);
    const woken = await Promise.race([slept.then(() => 'woke up'), systemClock.sleep(50)]);
    abort.abort(new Error('enough'));
    expect(woken).toBeUndefined();
  });

  it('tells the time in milliseconds and sleeps at least as long as asked', async () => {
    const startMs = systemClock.now();
    expect(startMs).toBeGreaterThan(Date.UTC(2026, 0));
    await systemClock.sleep(20);
    expect(systemClock.now() - startMs).toBeGreaterThanOrEqual(19);
  });
});

describe('a manual clock', () => {
  it('wakes nobody before their time', async () => {
    const clock = createManualClock(1_000);
    const slept = clock.sleep(100);
    await clock.advance(99);
    expect(clock.now()).toBe(1_099);
    expect(await peek(slept)).toBe(pending);
    await clock.advance(1);
    expect(await peek(slept)).toBeUndefined();
  });

  it('wakes sleepers in the order of their times, each at its own', async () => {
    const clock = createManualClock(0);
    const woken: string[] = [];
    const sleep = async (name: string, ms: number) => {
      await clock.sleep(ms);
      woken.push(`${name} at ${clock.now()}`);
    };
    const all = [sleep('late', 300), sleep('early', 100), sleep('middle', 200)];
    await clock.advance(1_000);
    await Promise.all(all);
    expect(woken).toEqual(['early at 100', 'middle at 200', 'late at 300']);
    expect(clock.now()).toBe(1_000);
  });

  it('wakes who went to sleep again while time moved on', async () => {
    const clock = createManualClock(0);
    const chain = clock.sleep(100).then(() => clock.sleep(100));
    await clock.advance(200);
    expect(await peek(chain)).toBeUndefined();
  });

  it('forgets a sleeper that was aborted', async () => {
    const clock = createManualClock(0);
    const abort = new AbortController();
    const slept = clock.sleep(10, abort.signal);
    abort.abort(new Error('gone'));
    await expect(slept).rejects.toThrow('gone');
    await clock.advance(10);
    expect(clock.now()).toBe(10);
  });
});
