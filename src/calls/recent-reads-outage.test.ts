import { describe, expect, it } from 'vitest';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import { createManualClock } from '../runtime/clock.ts';
import { createRecentReads } from './recent-reads.ts';

function open(capacity = 10) {
  const clock = createManualClock();
  const recent = createRecentReads<string>({ clock, maxAgeMs: 400, capacity });
  let reads = 0;
  let failure: Error | undefined;
  let answer: Promise<void> | undefined;
  const get = (name = 'a') =>
    recent.get(name, async () => {
      reads += 1;
      if (failure) throw failure;
      await answer;
      return `value ${reads}`;
    });
  return {
    clock,
    recent,
    get,
    reads: () => reads,
    failWith: (error: Error | undefined) => {
      failure = error;
    },
    /** From now on the database takes its time; returns what lets it answer. */
    hang: () => {
      let end: () => void = () => undefined;
      answer = new Promise((resolve) => (end = resolve));
      return () => {
        answer = undefined;
        end();
      };
    },
  };
}

const away = new KeyshiftError('database_unavailable', 'The database is away.');

describe('what was read a moment ago', () => {
  it('is given at once until it is old, and shared by all who ask meanwhile', async () => {
    const { clock, get, reads } = open();
    expect(await Promise.all([get(), get(), get()])).toEqual(['value 1', 'value 1', 'value 1']);
    await clock.advance(399);
    expect(get()).toBe('value 1');
    await clock.advance(1);
    expect(await Promise.all([get(), get()])).toEqual(['value 2', 'value 2']);
    expect(reads()).toBe(2);
  });

  it('goes on to be given while the database is away, for five minutes', async () => {
    const { clock, get, failWith } = open();
    await get();
    failWith(away);
    await clock.advance(1_000);
    expect(await get()).toBe('value 1');
    // From then on nobody waits to find out.
    await clock.advance(1_000);
    expect(get()).toBe('value 1');
    await clock.advance(300_000);
    await expect(get()).rejects.toBe(away);
  });

  it('is read anew once the database is back', async () => {
    const { clock, get, failWith } = open();
    await get();
    failWith(away);
    await clock.advance(1_000);
    await get();
    failWith(undefined);
    await clock.advance(1_000);
    await get();
    await clock.advance(1);
    expect(get()).toBe('value 3');
  });

  it('does not hide any other failure, nor one of a first read', async () => {
    const { clock, get, failWith } = open();
    failWith(away);
    await expect(get()).rejects.toBe(away);
    failWith(undefined);
    await get();
    const other = new Error('a seal does not open');
    failWith(other);
    await clock.advance(1_000);
    await expect(get()).rejects.toBe(other);
  });

  it('is forgotten past the capacity, the oldest first', async () => {
    const { get, recent } = open(2);
    for (const name of ['a', 'b', 'c']) await get(name);
    expect(['a', 'b', 'c'].map((name) => recent.has(name))).toEqual([false, true, true]);
  });
});

describe('while the database hangs', () => {
  it('lets the first who was served before wait a moment, and nobody after', async () => {
    const { clock, get, hang, reads } = open();
    await get();
    const answer = hang();
    await clock.advance(1_000);
    const first = get();
    await clock.advance(250);
    expect(await first).toBe('value 1');
    expect(get()).toBe('value 1');
    expect(reads(), 'one read waits for all').toBe(2);
    answer();
    await clock.advance(0);
    expect(get()).toBe('value 2');
  });

  it('refuses whoever was never served, after three seconds and with a reason', async () => {
    const { clock, get, hang } = open();
    hang();
    const refused = expect(get()).rejects.toMatchObject({
      code: 'database_unavailable',
      message: 'The database did not answer within 3 seconds.',
    });
    await clock.advance(3_000);
    await refused;
  });

  it('refuses whoever was served longer ago than five minutes', async () => {
    const { clock, get, hang } = open();
    await get();
    hang();
    await clock.advance(300_001);
    const refused = expect(get()).rejects.toMatchObject({ code: 'database_unavailable' });
    await clock.advance(3_000);
    await refused;
  });
});
