import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { ForeignConsent } from '../model/foreign-consent.ts';
import type { Grant } from '../model/grant.ts';
import type { Store } from '../store/store.ts';

/**
 * Lets the pair of a consent that was set aside serve its account, in the transaction of `store`.
 * Where the account has a living grant, that one goes on: there is one grant for each account.
 */
export async function activateSetAside(
  store: Store,
  clientId: string,
  { grantId, accountId }: ForeignConsent,
  atMs: number,
): Promise<Grant> {
  const key = { clientId, accountId };
  const active = await store.grants.find(key);
  const aside = await store.grants.findById(grantId);
  await store.foreignConsents.settle(grantId, atMs);
  if (active?.state === 'active') return active;
  if (!aside) {
    throw new KeyshiftError(
      'grant_not_found',
      `The consent of account ${accountId} no longer exists.`,
    );
  }
  const { accessToken, refreshToken, scope, expiresAtMs, obtainedAtMs } = aside;
  const pair = { accessToken, refreshToken, scope, expiresAtMs, obtainedAtMs };
  return store.grants.saveConsent({ ...key, id: `${grantId}-active` }, pair);
}

/**
 * When a grant is found dead: whether a later consent of the same account, which came with another
 * customer's link and was set aside, can take its place. At Klaviyo a new consent may end the
 * tokens of the one before; a foreign click must not disconnect the account's own customers.
 *
 * @returns the grant, active again, or `undefined` when there is no such consent
 */
export async function replaceByForeignConsent(
  store: Store,
  grant: Grant,
  atMs: number,
): Promise<Grant | undefined> {
  for (const consent of await store.foreignConsents.listByAccount(grant.accountId)) {
    const aside = await store.grants.findById(consent.grantId);
    const fits = aside?.state === 'set_aside' && aside.clientId === grant.clientId;
    if (!fits || consent.consentedAtMs < grant.consentedAtMs) continue;
    // Each is tried once: if this one is dead too, the grant is lost the next time.
    if (consent.settledAtMs !== undefined) continue;
    return activateSetAside(store, grant.clientId, consent, atMs);
  }
  return undefined;
}
