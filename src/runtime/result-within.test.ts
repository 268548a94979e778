import { expect, it } from 'vitest';
import { createManualClock } from './clock.ts';
import { resultWithin } from './result-within.ts';

it('returns what comes in time, and passes on what fails in time', async () => {
  const clock = createManualClock();
  expect(await resultWithin(Promise.resolve(7), 10, clock)).toEqual({ value: 7 });
  const failing = resultWithin(Promise.reject(new Error('no')), 10, clock);
  await expect(failing).rejects.toThrow('no');
});

it('waits no longer, and drops a failure that comes later', async () => {
  const clock = createManualClock();
  let fail: (error: Error) => void = () => undefined;
  const work = new Promise<number>((_resolve, reject) => (fail = reject));
  const waited = resultWithin(work, 10, clock);
  await clock.advance(10);
  expect(await waited).toBeUndefined();
  fail(new Error('too late to matter'));
  await clock.advance(10);
});
