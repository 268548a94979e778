import type { LookUpGrant } from '../../calls/account-lookup.ts';
import { KeyshiftError } from '../../errors/keyshift-error.ts';

/**
 * Asks Klaviyo itself whether the grant of an account lives: a token that the clock calls fresh
 * may be dead. After a 401 it is asked once more with a newer token.
 *
 * @throws KeyshiftError `grant_not_found`, `grant_lost`, `account_unverified`, `upstream_*`
 */
export type ProveGrant = (accountId: string, signal?: AbortSignal) => Promise<void>;

/** Creates the proof that stands before a cutover, and before a key is destroyed. */
export function createProveGrant(lookUpGrant: LookUpGrant): ProveGrant {
  return async (accountId, signal) => {
    const lookup = await lookUpGrant(accountId, signal);
    if (lookup.kind === 'found' && lookup.account.accountId === accountId) return;
    throw new KeyshiftError(
      'account_unverified',
      `Klaviyo does not confirm that the grant belongs to account ${accountId}.`,
      { fix: 'Nothing has changed. Try again, or invite the customer to consent again.' },
    );
  };
}
