import { describe, expect, it } from 'vitest';
import { granted } from '../../test/support/fake-oauth-client.ts';
import type { TokenOutcome } from '../oauth/token-outcome.ts';
import { createManualClock } from '../runtime/clock.ts';
import { withinBudget } from './refresh-attempt.ts';

describe('an answer of the token endpoint and its budget', () => {
  it('becomes a time-out when the budget ends first, and the answer is handed on', async () => {
    const clock = createManualClock();
    const { promise, resolve } = Promise.withResolvers<TokenOutcome>();
    const late: Promise<TokenOutcome>[] = [];
    const waiting = withinBudget(promise, {
      budgetMs: 1_000,
      clock,
      onTimeOut: (answer) => late.push(answer),
    });
    await clock.advance(1_000);
    expect(await waiting).toMatchObject({ kind: 'transient', timedOut: true, answered: false });
    resolve(granted());
    expect(await late[0]).toMatchObject({ kind: 'granted' });
  });

  it('is harmless when it fails after the budget and nobody wants it', async () => {
    const clock = createManualClock();
    const { promise, reject } = Promise.withResolvers<TokenOutcome>();
    const waiting = withinBudget(promise, { budgetMs: 1_000, clock });
    await clock.advance(1_000);
    reject(new Error('too late'));
    expect(await waiting).toMatchObject({ kind: 'transient' });
  });

  it('is passed through in time, and the budget’s sleep ends with it', async () => {
    const slept: AbortSignal[] = [];
    const clock = {
      ...createManualClock(0),
      sleep: (_ms: number, signal?: AbortSignal) => {
        slept.push(signal!);
        return new Promise<void>(() => undefined);
      },
    };
    const outcome = await withinBudget(Promise.resolve(granted()), { budgetMs: 1_000, clock });
    expect(outcome).toMatchObject({ kind: 'granted' });
    expect(slept.map(({ aborted }) => aborted)).toEqual([true]);
  });
});
