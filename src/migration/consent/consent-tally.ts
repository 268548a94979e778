import { isKeyshiftError } from '../../errors/keyshift-error.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Logger } from '../../runtime/logger.ts';
import { ExchangeFailedError, type CompleteConsent, type Consent } from './consent.ts';

/** How the consents of this process ended, by outcome; `completed` is the good one. */
export interface ConsentTally {
  readonly counts: ReadonlyMap<string, number>;
  /** The same step, counted. */
  readonly completeConsent: CompleteConsent;
}

/** So many failures of one kind, with no good consent between them, are no customer's matter. */
const failuresPerAlarm = 3;
const alarmEveryMs = 600_000;

/** What customers do by themselves: nothing that an operator could mend. */
const customersOwn: ReadonlySet<string> = new Set([
  'authorization_denied',
  'approval_not_allowed',
  'account_mismatch',
  'code_refused',
  'code_missing',
]);

/** Counts consents, and raises an alarm once several in a row have failed in the same way. */
export function tallyConsents(
  complete: CompleteConsent,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): ConsentTally {
  const counts = new Map<string, number>();
  const running = new Map<string, number>();
  const alarmedAtMs = new Map<string, number>();

  const count = (outcome: string) => {
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  };
  const fail = (reason: string) => {
    count(reason);
    if (customersOwn.has(reason)) return;
    const failures = (running.get(reason) ?? 0) + 1;
    running.set(reason, failures);
    const nowMs = clock.now();
    if (failures < failuresPerAlarm) return;
    if (nowMs - (alarmedAtMs.get(reason) ?? -Infinity) < alarmEveryMs) return;
    alarmedAtMs.set(reason, nowMs);
    logger.error(
      { alarm: 'consents_failing', reason, failures },
      'consents fail one after the other: check the app in Klaviyo, KLAVIYO_SCOPES and REDIRECT_URI',
    );
  };

  return {
    counts,
    async completeConsent(attempt, query) {
      let consent: Consent;
      try {
        consent = await complete(attempt, query);
      } catch (error) {
        fail(reasonOf(error));
        throw error;
      }
      if (consent.account && consent.missingScopes.length === 0) {
        running.clear();
        count('completed');
      } else fail(consent.account ? 'scope_missing' : 'account_unverified');
      return consent;
    },
  };
}

function reasonOf(error: unknown): string {
  if (error instanceof ExchangeFailedError) return error.reason;
  return isKeyshiftError(error) ? error.code : 'internal';
}
