import { describe, expect, it } from 'vitest';
import { createManualClock } from '../runtime/clock.ts';
import { createLoginThrottle } from './login-throttle.ts';

describe('the login throttle', () => {
  it('lets nobody try while ten failures lie within a minute', async () => {
    const clock = createManualClock();
    const throttle = createLoginThrottle(clock);
    for (let failure = 1; failure <= 10; failure += 1) {
      expect(throttle.waitSec()).toBe(0);
      throttle.recordFailure();
      await clock.advance(1_000);
    }
    expect(throttle.waitSec()).toBe(50);
    await clock.advance(49_999);
    expect(throttle.waitSec()).toBe(1);
    await clock.advance(1);
    expect(throttle.waitSec()).toBe(0);
  });

  it('slides: after the pause one more failure closes it again', async () => {
    const clock = createManualClock();
    const throttle = createLoginThrottle(clock);
    for (let failure = 0; failure < 10; failure += 1) {
      throttle.recordFailure();
      await clock.advance(1_000);
    }
    await clock.advance(50_000);
    expect(throttle.waitSec()).toBe(0);
    throttle.recordFailure();
    expect(throttle.waitSec()).toBe(1);
  });

  it('does not hold a few mistakes against anyone', async () => {
    const clock = createManualClock();
    const throttle = createLoginThrottle(clock);
    for (let failure = 0; failure < 100; failure += 1) {
      throttle.recordFailure();
      await clock.advance(6_700);
      expect(throttle.waitSec()).toBe(0);
    }
  });
});
