import { describe, expect, it } from 'vitest';
import { createManualClock } from '../runtime/clock.ts';
import { FairQueue, type Party } from './fair-queue.ts';

const clock = createManualClock();
const patient = { signal: undefined };
const soonMs = clock.now() + 10_000;
const partyOf = (connection: string, account = connection): Party => ({ account, connection });

function queueOf(capacity: number, seats = 100): FairQueue {
  return new FairQueue({ capacity, seats, units: 'places', clock });
}

/** Takes until there is nothing more. */
function takeAll(queue: FairQueue, party: Party): number {
  let taken = 0;
  while (queue.tryTake(party, 1)) taken += 1;
  return taken;
}

describe('a queue for what all share', () => {
  it('lets one who takes all it can get have less than a third', () => {
    expect(takeAll(queueOf(256), partyOf('greedy'))).toBe(75);
  });

  it('has something left for who has nothing, when 30 take all they can', () => {
    const queue = queueOf(256);
    for (let at = 0; at < 30; at += 1) takeAll(queue, partyOf(`greedy-${at}`));
    expect(queue.tryTake(partyOf('modest'), 1)).toBe(true);
  });

  it('has something left when all who take are customers of one account', () => {
    const queue = queueOf(256);
    let taken = 0;
    for (let at = 0; at < 60; at += 1) taken += takeAll(queue, partyOf(`greedy-${at}`, 'AAA111'));
    expect(taken).toBeLessThanOrEqual(128);
    expect(taken).toBeGreaterThan(100);
  });

  it('leaves room for a second customer of an account whose first takes all it can', () => {
    const queue = queueOf(256);
    takeAll(queue, partyOf('greedy', 'AAA111'));
    expect(takeAll(queue, partyOf('modest', 'AAA111'))).toBeGreaterThan(10);
  });

  it('serves those who wait in turns, whoever waits with more', async () => {
    const queue = queueOf(1);
    const served: string[] = [];
    expect(queue.take(partyOf('first'), 1, soonMs, patient)).toBeUndefined();
    const waits = ['a', 'a', 'a', 'b', 'c'].map(async (name) => {
      await queue.take(partyOf(name), 1, soonMs, patient);
      served.push(name);
      queue.release(partyOf(name), 1);
    });
    queue.release(partyOf('first'), 1);
    await Promise.all(waits);
    expect(served).toEqual(['a', 'b', 'c', 'a', 'a']);
  });

  it('ends a wait at its time, with a code that says what to do', async () => {
    const queue = queueOf(1);
    queue.tryTake(partyOf('first'), 1);
    const wait = queue.take(partyOf('second'), 1, clock.now() + 5_000, patient);
    const ended = expect(wait).rejects.toMatchObject({ code: 'proxy_busy', retryAfterSec: 1 });
    await clock.advance(5_000);
    await ended;
    queue.release(partyOf('first'), 1);
    expect(queue.tryTake(partyOf('third'), 1)).toBe(true);
  });

  it('gives no place to a caller who left', async () => {
    const queue = queueOf(1);
    queue.tryTake(partyOf('first'), 1);
    const { signal, abort } = (() => {
      const controller = new AbortController();
      return { signal: controller.signal, abort: controller.abort.bind(controller) };
    })();
    const wait = queue.take(partyOf('second'), 1, soonMs, { signal });
    const ended = expect(wait).rejects.toThrow('gone');
    abort(new Error('gone'));
    await ended;
    queue.release(partyOf('first'), 1);
    expect(queue.tryTake(partyOf('third'), 1)).toBe(true);
  });

  it('keeps a seat for others where one has many waiting', () => {
    const queue = queueOf(1, 30);
    queue.tryTake(partyOf('first'), 1);
    let seated = 0;
    const sit = (name: string) => {
      void queue.take(partyOf(name), 1, soonMs, patient)?.catch(() => undefined);
      seated += 1;
    };
    expect(() => {
      for (;;) sit('greedy');
    }).toThrow(expect.objectContaining({ code: 'proxy_busy' }) as Error);
    expect(seated).toBe(9);
    sit('modest');
  });

  it('counts amounts of any size', () => {
    const queue = queueOf(1_000);
    expect(queue.tryTake(partyOf('a'), 600)).toBe(true);
    expect(queue.tryTake(partyOf('a'), 1)).toBe(false);
    expect(queue.tryTake(partyOf('b'), 500)).toBe(false);
    expect(queue.tryTake(partyOf('b'), 400)).toBe(true);
    queue.release(partyOf('a'), 600);
    expect(queue.tryTake(partyOf('a'), 600)).toBe(true);
  });
});
