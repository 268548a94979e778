import { describe, expect, it } from 'vitest';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import { createManualClock } from '../runtime/clock.ts';
import { createLoginThrottle } from './login-throttle.ts';

const wrong = () => {
  throw new KeyshiftError('unauthenticated', 'Wrong password.');
};
const right = () => undefined;

function open() {
  const clock = createManualClock();
  const throttle = createLoginThrottle(clock);
  const attempt = async (address: string, device: string | undefined, check: () => void) => {
    try {
      await throttle.check(address, device, check);
      return 'in';
    } catch (error) {
      return (error as KeyshiftError).code;
    }
  };
  return { clock, attempt };
}

describe('the login throttle', () => {
  it('makes every attempt wait from an address that failed ten times in a minute', async () => {
    const { clock, attempt } = open();
    for (let failure = 0; failure < 10; failure += 1) {
      expect(await attempt('192.0.2.1', undefined, wrong)).toBe('unauthenticated');
    }
    const outcomes: string[] = [];
    for (const check of [wrong, right]) {
      void attempt('192.0.2.1', undefined, check).then((outcome) => outcomes.push(outcome));
    }
    await clock.advance(999);
    expect(outcomes).toEqual([]);
    await clock.advance(1);
    expect(outcomes).toEqual(['too_many_attempts']);
    await clock.advance(1_000);
    expect(outcomes).toEqual(['too_many_attempts', 'in']);
  });

  it('lets nobody wait at another address, or in a browser that has signed in before', async () => {
    const { attempt } = open();
    for (let failure = 0; failure < 10; failure += 1) await attempt('192.0.2.1', undefined, wrong);
    const waiting = Array.from({ length: 6 }, () => attempt('192.0.2.1', undefined, wrong));
    expect(waiting).toHaveLength(6);
    expect(await attempt('192.0.2.1', undefined, right)).toBe('too_many_attempts');
    expect(await attempt('192.0.2.1', 'this-browser', right)).toBe('in');
    expect(await attempt('192.0.2.2', undefined, right)).toBe('in');
  });

  it('does not give a copied browser more attempts than an address', async () => {
    const { clock, attempt } = open();
    for (let failure = 0; failure < 10; failure += 1) await attempt('192.0.2.1', 'copied', wrong);
    const outcomes: string[] = [];
    void attempt('192.0.2.9', 'copied', wrong).then((outcome) => outcomes.push(outcome));
    await clock.advance(999);
    expect(outcomes).toEqual([]);
    await clock.advance(1);
    expect(outcomes).toEqual(['too_many_attempts']);
  });

  it('slows guessing from many addresses down as a whole', async () => {
    const { clock, attempt } = open();
    for (let at = 0; at < 100; at += 1) await attempt(`192.0.2.${at}`, undefined, wrong);
    const outcomes: string[] = [];
    for (let at = 100; at < 120; at += 1) {
      void attempt(`192.0.2.${at}`, undefined, wrong).then((outcome) => outcomes.push(outcome));
    }
    await clock.advance(0);
    await clock.advance(1_000);
    expect(outcomes).toHaveLength(4);
    await clock.advance(1_000);
    expect(outcomes).toHaveLength(8);
  });
});
