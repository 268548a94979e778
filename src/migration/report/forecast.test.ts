import { describe, expect, it } from 'vitest';
import { makeForecast } from './forecast.ts';

const dayMs = 86_400_000;
const today = Date.UTC(2027, 0, 15);
const day = (ago: number, count: number) => ({ dayStartMs: today - ago * dayMs, count });

describe('a forecast', () => {
  it('goes on as the last two weeks went, and leaves out what was before', () => {
    const consentsByDay = [day(40, 500), day(14, 70), day(7, 28), day(1, 42)];
    const forecast = makeForecast({ consentsByDay, total: 1_000, consented: 640, nowMs: today });
    expect(forecast).toMatchObject({ ratePerDay: 10, daysCounted: 14, remaining: 360 });
    expect(forecast.completeAtMs).toBe(today + 36 * dayMs);
    expect(forecast.deadline).toBeUndefined();
  });

  it('counts a young campaign by its own days', () => {
    const consentsByDay = [day(2, 20), day(1, 10)];
    const forecast = makeForecast({ consentsByDay, total: 100, consented: 30, nowMs: today });
    expect(forecast).toMatchObject({ ratePerDay: 15, daysCounted: 2 });
  });

  it('says how many are missing on a deadline, and what would do', () => {
    const input = { consentsByDay: [day(1, 70)], total: 200, consented: 70, nowMs: today };
    const at = (days: number) =>
      makeForecast({ ...input, deadlineMs: today + days * dayMs }).deadline;
    expect(at(2)).toMatchObject({ consentedByThen: 200, missingByThen: 0, inReach: true });
    expect(at(1)).toMatchObject({
      ...{ consentedByThen: 140, missingByThen: 60, inReach: false, neededPerDay: 130 },
    });
  });

  it('promises nothing where nobody consents, and asks for all at once on the day itself', () => {
    const input = { consentsByDay: [], total: 10, consented: 0, nowMs: today };
    expect(makeForecast(input).completeAtMs).toBeUndefined();
    expect(makeForecast({ ...input, deadlineMs: today - dayMs }).deadline).toMatchObject({
      ...{ daysLeft: 0, missingByThen: 10, neededPerDay: 10, inReach: false },
    });
    expect(makeForecast({ ...input, consented: 10 }).completeAtMs).toBe(today);
  });
});
