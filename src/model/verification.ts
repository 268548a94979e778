import type { AttentionReason } from './stages.ts';

/**
 * `unclear` when Klaviyo gave no answer, so that it has to be asked again; `skipped` when there is
 * no simple read to try, or its answer was about something else than permission.
 */
export type CheckVerdict = 'passed' | 'failed' | 'unclear' | 'skipped';

/** The result of one check of a consent. */
export interface VerificationCheck {
  /** `scopes`, `account`, or `read <scope>`. */
  readonly name: string;
  readonly verdict: CheckVerdict;
  /** Set on `failed`: what the connection needs attention for. */
  readonly reason: AttentionReason | undefined;
  /** What was found, in words. Never holds a secret. */
  readonly detail: string;
  readonly atMs: number;
}
