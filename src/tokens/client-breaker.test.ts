import { describe, expect, it } from 'vitest';
import { createManualClock } from '../runtime/clock.ts';
import { createLogger } from '../runtime/logger.ts';
import { createClientBreaker } from './client-breaker.ts';

function open() {
  const clock = createManualClock();
  const lines: string[] = [];
  const destination = { write: (line: string) => lines.push(line) };
  const breaker = createClientBreaker(clock, createLogger({ level: 'error', destination }));
  return { clock, breaker, alarms: () => lines.filter((line) => line.includes('"alarm"')).length };
}

describe('the breaker of refused client credentials', () => {
  it('raises one alarm while Klaviyo takes and refuses them by turns', async () => {
    const { clock, breaker, alarms } = open();
    for (let turns = 0; turns < 10; turns += 1) {
      breaker.trip('Klaviyo answered invalid_client');
      await clock.advance(30_000);
      breaker.reset();
    }
    expect(alarms()).toBe(1);
    expect(breaker.alarms).toBe(1);
  });

  it('raises another for what begins long after the last', async () => {
    const { clock, breaker, alarms } = open();
    breaker.trip('Klaviyo answered invalid_client');
    breaker.reset();
    await clock.advance(600_000);
    breaker.trip('Klaviyo answered invalid_client');
    expect(alarms()).toBe(2);
  });

  it('lets one caller through every half minute, and everybody when it is closed', async () => {
    const { clock, breaker } = open();
    breaker.trip('Klaviyo answered invalid_client');
    expect(() => {
      breaker.admit();
    }).toThrow('held back');
    await clock.advance(30_000);
    breaker.admit();
    expect(() => {
      breaker.admit();
    }).toThrow('held back');
    breaker.reset();
    breaker.admit();
    breaker.admit();
  });
});
