import { describe, expect, it } from 'vitest';
import { createPool, forEachConcurrently } from './concurrently.ts';

const tick = () => new Promise((resolve) => setImmediate(resolve));

/** Work that a test ends. */
function gates() {
  const started: number[] = [];
  const ended: number[] = [];
  const open = new Map<number, PromiseWithResolvers<undefined>>();
  const work = async (item: number) => {
    started.push(item);
    const gate = Promise.withResolvers<undefined>();
    open.set(item, gate);
    await gate.promise;
    ended.push(item);
  };
  return { started, ended, open, work };
}

describe('work on many items', () => {
  it('goes on at so many places at once, and takes the next when one is free', async () => {
    const { started, open, work } = gates();
    const all = forEachConcurrently([1, 2, 3, 4], 2, work);
    await tick();
    expect(started).toEqual([1, 2]);
    open.get(2)?.resolve(undefined);
    await tick();
    expect(started).toEqual([1, 2, 3]);
    for (const item of [1, 3]) open.get(item)?.resolve(undefined);
    await tick();
    open.get(4)?.resolve(undefined);
    await all;
    expect(started).toEqual([1, 2, 3, 4]);
  });

  it('reads a long source no further than there is room, and lets go of it when it ends', async () => {
    let taken = 0;
    let closed = false;
    async function* source() {
      try {
        for (;;) yield await Promise.resolve((taken += 1));
      } finally {
        closed = true;
      }
    }
    const { started, open, work } = gates();
    let ended = false;
    const all = forEachConcurrently(source(), 3, work, () => ended);
    await tick();
    expect([taken, started]).toEqual([3, [1, 2, 3]]);
    ended = true;
    for (const gate of open.values()) gate.resolve(undefined);
    await all;
    expect([taken, closed]).toEqual([3, true]);
  });

  it('throws what failed first, when the work under way has ended, and begins no more', async () => {
    const { started, ended, open, work } = gates();
    const all = forEachConcurrently([1, 2, 3], 2, work);
    const outcome = all.then(
      () => 'fine',
      (error: unknown) => (error as Error).message,
    );
    await tick();
    open.get(1)?.reject(new Error('first'));
    await tick();
    open.get(2)?.resolve(undefined);
    expect(await outcome).toBe('first');
    expect([started, ended]).toEqual([[1, 2], [2]]);
  });

  it('takes nothing where it has ended before it began', async () => {
    const { started, work } = gates();
    await forEachConcurrently([1, 2], 2, work, () => true);
    expect(started).toEqual([]);
  });

  it('ends what is under way when the source itself fails', async () => {
    const { ended, open, work } = gates();
    function* source() {
      yield 1;
      throw new Error('the source is broken');
    }
    const all = forEachConcurrently(source(), 2, work).catch((error: unknown) => String(error));
    await tick();
    open.get(1)?.resolve(undefined);
    expect(await all).toBe('Error: the source is broken');
    expect(ended).toEqual([1]);
  });
});

describe('a pool', () => {
  it('has room for a batch only when enough has ended', async () => {
    const { open, work } = gates();
    const pool = createPool(4);
    for (const item of [1, 2, 3]) await pool.start(() => work(item));
    let room = false;
    const waiting = pool.room(2).then(() => (room = true));
    await tick();
    expect(room).toBe(false);
    open.get(3)?.resolve(undefined);
    await waiting;
    for (const gate of open.values()) gate.resolve(undefined);
    await pool.finish();
  });

  it('starts nothing after a failure', async () => {
    const pool = createPool(2);
    await pool.start(() => Promise.reject(new Error('broken')));
    await tick();
    expect(await pool.start(() => Promise.resolve())).toBe(false);
    expect(pool.failed).toBe(true);
    await expect(pool.finish()).rejects.toThrow('broken');
  });
});
