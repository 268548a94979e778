import { expect, it } from 'vitest';
import { createManualClock } from '../runtime/clock.ts';
import { createReadiness } from './readiness.ts';

const degraded = { status: 'degraded', reasons: ['database_unavailable'] };

it('is ready while the database answers', async () => {
  const store = { ping: () => Promise.resolve() };
  const readiness = createReadiness({ store, clock: createManualClock() });
  expect(await readiness.check()).toEqual({ status: 'ready' });
});

it('is degraded, not out of service, while the database is away', async () => {
  const store = { ping: () => Promise.reject(new Error('gone')) };
  const readiness = createReadiness({ store, clock: createManualClock() });
  expect(await readiness.check()).toEqual(degraded);
});

it('waits two seconds for a database that hangs, once for all who ask', async () => {
  let pings = 0;
  const clock = createManualClock();
  const ping = () => {
    pings += 1;
    return new Promise<void>(() => undefined);
  };
  const readiness = createReadiness({ store: { ping }, clock });
  const checks = [readiness.check(), readiness.check()];
  await clock.advance(2_000);
  expect(await Promise.all(checks)).toEqual([degraded, degraded]);
  expect(pings).toBe(1);
});

it('is draining from the moment it is told, also to those who wait for a check', async () => {
  const store = { ping: () => Promise.resolve() };
  const readiness = createReadiness({ store, clock: createManualClock() });
  const asked = readiness.check();
  readiness.drain();
  expect(await asked).toEqual({ status: 'draining' });
  expect(await readiness.check()).toEqual({ status: 'draining' });
});
