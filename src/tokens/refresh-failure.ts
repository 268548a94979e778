import type { KeyshiftError } from '../errors/keyshift-error.ts';
import type { TokenOutcome } from '../oauth/token-outcome.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import type { Grant, RefreshFailure } from '../model/grant.ts';
import { backOffMs, type RefreshBudgets } from './refresh-policy.ts';

/** Outcomes that say nothing about the grant. */
export type FailedOutcome = Exclude<TokenOutcome, { kind: 'granted' | 'grant_rejected' }>;

/** What to write on the row of a grant whose refresh gave neither tokens nor a verdict. */
export function toRefreshFailure(
  grant: Grant,
  outcome: FailedOutcome,
  error: KeyshiftError,
  options: { readonly clock: Clock; readonly random: Random; readonly budgets: RefreshBudgets },
): RefreshFailure {
  const { clock, random, budgets } = options;
  const atMs = clock.now();
  const failures = (grant.failure?.count ?? 0) + 1;
  const retryAfterSec = outcome.kind === 'transient' ? outcome.retryAfterSec : error.retryAfterSec;
  // After a timeout the provider may still be at work on the token: whoever spends it again
  // meanwhile could end the pair that it is about to give out.
  const pauseMs =
    outcome.kind === 'transient' && outcome.timedOut
      ? budgets.leaseMs
      : backOffMs(failures - 1, retryAfterSec, random);
  const { code, message } = error;
  return { code, message, atMs, retryAtMs: atMs + pauseMs, count: failures };
}
