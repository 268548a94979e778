import { KeyshiftError } from '../../errors/keyshift-error.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { ForeignConsent } from '../../model/foreign-consent.ts';
import type { Grant } from '../../model/grant.ts';
import {
  accountMayChange,
  byOAuth,
  describeStage,
  type Connection,
} from '../../model/connection.ts';
import type { Store } from '../../store/store.ts';
import type { TokenEngine } from '../../tokens/token-engine.ts';
import { retryConflict, type StageMachine } from '../stage-machine.ts';
import type { Verification, Verify } from './verify.ts';

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

/** An operator's decision that a connection belongs to another account than its key. */
export interface AccountOverride {
  /** Klaviyo's id of the account that the customer chose. */
  readonly accountId: string;
  /** Why; the audit log keeps it. */
  readonly reason: string;
  readonly actor: string;
}

/** What {@link createOverrideAccount} works with. */
export interface OverrideOptions {
  readonly store: Store;
  readonly machine: StageMachine;
  readonly tokens: TokenEngine;
  readonly verify: Verify;
  readonly clientId: string;
  readonly clock: Clock;
}

/**
 * Accepts the account that a customer consented with although the key belongs to another: the
 * grant that was set aside serves the connection from now on, and is verified. The private key
 * stays stored, and is not used any more: it reaches another account than the connection's.
 *
 * @throws KeyshiftError `stage_conflict` while traffic is on OAuth, `grant_not_found` when the
 * customer gave no consent with that account, `request_invalid` when it is the account already
 */
export type OverrideAccount = (
  connection: Connection,
  override: AccountOverride,
) => Promise<Verification>;

/** Creates the service. */
export function createOverrideAccount(options: OverrideOptions): OverrideAccount {
  const { store, machine, tokens, verify, clientId, clock } = options;

  return async (connection, { accountId, reason, actor }) => {
    const moved = await retryConflict(() =>
      store.transaction(async (tx) => {
        const current = await tx.connections.findById(connection.id);
        if (!current)
          throw new KeyshiftError('connection_not_found', 'The connection no longer exists.');
        const refusal = whyNoOverride(current, accountId);
        if (refusal) throw refusal;
        const consent = await requireForeignConsent(tx, current, accountId);
        await activateSetAside(tx, clientId, consent, clock.now());
        await tx.invitations.consumeByConnection(current.id, clock.now());
        const key = await tx.privateKeys.info(current.id);
        const leavesKey = key?.present === true && key.accountId !== accountId;
        return machine.move(tx, current, 'authorized', {
          actor,
          reason: `account ${current.accountId ?? 'unknown'} → ${accountId}: ${reason}`,
          change: {
            ...{ accountId, accountName: consent.accountName },
            ...(leavesKey ? { way: byOAuth(current, clock.now()) } : {}),
          },
        });
      }),
    );
    tokens.forget({ clientId, accountId });
    return verify(moved, { actor });
  };
}

/** Why a connection cannot be given another account now; `undefined` when it can. */
export function whyNoOverride(
  connection: Connection,
  accountId: string,
): KeyshiftError | undefined {
  const { customerId, route } = connection;
  if (connection.accountId === accountId) {
    return new KeyshiftError(
      'request_invalid',
      `Customer ${customerId} already belongs to account ${accountId}.`,
    );
  }
  if (accountMayChange(connection)) return undefined;
  return new KeyshiftError(
    'stage_conflict',
    `Customer ${customerId} is ${describeStage(connection)} on the ${route} route.`,
    { fix: 'Roll back first: the account cannot change while traffic uses it.' },
  );
}

/**
 * Returns the consent that a customer gave with an account other than its own.
 *
 * @throws KeyshiftError `grant_not_found`
 */
export async function requireForeignConsent(
  store: Pick<Store, 'foreignConsents'>,
  { id, customerId }: Connection,
  accountId: string,
): Promise<ForeignConsent> {
  const consents = await store.foreignConsents.listByConnection(id);
  const consent = consents.find((each) => each.accountId === accountId);
  if (consent) return consent;
  const others = [...new Set(consents.map((each) => each.accountId))].join(', ') || 'none';
  throw new KeyshiftError(
    'grant_not_found',
    `Customer ${customerId} has not consented with account ${accountId}. Consents with accounts other than its own: ${others}.`,
    {
      fix: 'Let the customer open the link and choose that account in Klaviyo, then run this again.',
    },
  );
}
