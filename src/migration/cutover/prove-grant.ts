import type { LookUpAccount } from '../../calls/account-lookup.ts';
import { KeyshiftError } from '../../errors/keyshift-error.ts';
import type { TokenEngine } from '../../tokens/token-engine.ts';

/** What {@link createProveGrant} works with. */
export interface ProveGrantOptions {
  readonly tokens: TokenEngine;
  readonly lookUpAccount: LookUpAccount;
  readonly clientId: string;
}

/**
 * Asks Klaviyo itself whether the grant of an account lives: a token that the clock calls fresh
 * may be dead. After a 401 it is asked once more with a newer token.
 *
 * @throws KeyshiftError `grant_not_found`, `grant_lost`, `account_unverified`, `upstream_*`
 */
export type ProveGrant = (accountId: string, signal?: AbortSignal) => Promise<void>;

/** Creates the proof that stands before a cutover, and before a key is destroyed. */
export function createProveGrant(options: ProveGrantOptions): ProveGrant {
  const { tokens, lookUpAccount, clientId } = options;
  return async (accountId, signal) => {
    const key = { clientId, accountId };
    const grant = await tokens.liveGrant(key, signal);
    let lookup = await lookUpAccount(grant.accessToken, signal);
    if (lookup.kind === 'rejected') {
      const newer = await tokens.afterUnauthorized(key, grant.generation, signal);
      lookup = await lookUpAccount(newer.accessToken, signal);
    }
    if (lookup.kind === 'found' && lookup.account.accountId === accountId) return;
    throw new KeyshiftError(
      'account_unverified',
      `Klaviyo does not confirm that the grant belongs to account ${accountId}.`,
      { fix: 'Nothing has changed. Try again, or invite the customer to consent again.' },
    );
  };
}
