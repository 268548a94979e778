import type { TokenOutcome } from '../oauth/token-outcome.ts';
import type { Clock } from '../runtime/clock.ts';

/** What {@link withinBudget} takes besides the answer it waits for. */
export interface BudgetOptions {
  readonly budgetMs: number;
  readonly clock: Clock;
  /** Given the answer that is still to come when nobody waits for it any more. */
  readonly onTimeOut?: (answer: Promise<TokenOutcome>) => void;
}

/** Made once: without a reason, each refresh would pay for an error with a stack. */
const noMoreWait = new Error('the answer is there');

/**
 * Waits for an answer of the token endpoint as long as the budget allows, then answers a
 * time-out. The request itself is left on the wire: a slow answer may hold the only copy of the
 * next refresh token.
 *
 * @example
 * ```ts
 * const outcome = await withinBudget(oauth.refresh(token), { budgetMs, clock, onTimeOut: adopt });
 * ```
 */
export async function withinBudget(
  answer: Promise<TokenOutcome>,
  { budgetMs, clock, onTimeOut }: BudgetOptions,
): Promise<TokenOutcome> {
  const answered = new AbortController();
  const timeOut = clock.sleep(budgetMs, answered.signal).then(
    () => undefined,
    () => undefined,
  );
  const inTime = await Promise.race([answer, timeOut]).finally(() => {
    answered.abort(noMoreWait);
  });
  if (inTime) return inTime;
  if (onTimeOut) onTimeOut(answer);
  else answer.catch(() => undefined);
  return {
    kind: 'transient',
    status: 504,
    reason: `no answer within ${budgetMs} ms`,
    retryAfterSec: undefined,
    answered: false,
    timedOut: true,
  };
}
