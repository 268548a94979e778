import { createHash } from 'node:crypto';
import type { AccountLookup, LookUpAccount } from '../calls/account-lookup.ts';

/** So many answers are remembered: customers who share a key stand close together as a rule. */
const mostAnswers = 2_000;

/**
 * Asks once about each key: customers who share one share the answer, and the few calls a minute
 * that Klaviyo allows for their account. Answers are kept by hash, and for as long as the returned
 * function is.
 */
export function rememberLookups(lookUpAccount: LookUpAccount): LookUpAccount {
  const answers = new Map<string, Promise<AccountLookup>>();
  return (credential, signal) => {
    const hash = createHash('sha256').update(credential.reveal()).digest('base64');
    const known = answers.get(hash);
    if (known) return known;
    const answer = lookUpAccount(credential, signal);
    answers.set(hash, answer);
    // What gave no verdict is asked again.
    answer.catch(() => answers.delete(hash));
    const oldest = answers.keys().next();
    if (answers.size > mostAnswers && !oldest.done) answers.delete(oldest.value);
    return answer;
  };
}
