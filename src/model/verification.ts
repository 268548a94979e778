import type { AttentionReason } from './stages.ts';

/**
 * `unclear` when Klaviyo gave no answer, so that it has to be asked again; `skipped` when there is
 * no simple read to try, or its answer was about something else than permission.
 */
export type CheckVerdict = 'passed' | 'failed' | 'unclear' | 'skipped';

/** What is checked of a consent: the granted scopes, the account, or one read that a scope allows. */
export type CheckSubject =
  | { readonly kind: 'scopes' }
  | { readonly kind: 'account' }
  | { readonly kind: 'read'; readonly scope: string };

/** The result of one check of a consent. */
export type VerificationCheck = CheckSubject & {
  readonly verdict: CheckVerdict;
  /** Set on `failed`: what the connection needs attention for. */
  readonly reason: AttentionReason | undefined;
  /** What was found, in words. Never holds a secret. */
  readonly detail: string;
  readonly atMs: number;
};

const read = 'read ';

/** The name of a check, as it is stored and shown: `scopes`, `account`, or `read <scope>`. */
export function nameOfCheck(subject: CheckSubject): string {
  return subject.kind === 'read' ? `${read}${subject.scope}` : subject.kind;
}

/** What a check of such a name is about. */
export function parseCheckName(name: string): CheckSubject {
  if (name.startsWith(read)) return { kind: 'read', scope: name.slice(read.length) };
  return { kind: name === 'account' ? 'account' : 'scopes' };
}
