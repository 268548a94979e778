import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { Clock } from '../runtime/clock.ts';
import type { ForeignConsent } from '../model/foreign-consent.ts';
import { accountMayChange, describeStage, type Connection } from '../model/connection.ts';
import type { Store } from '../store/store.ts';
import type { TokenEngine } from '../tokens/token-engine.ts';
import { activateSetAside } from './activate-set-aside.ts';
import { retryConflict } from './retry-conflict.ts';
import type { StageMachine } from './stage-machine.ts';
import type { Verification, Verify } from './verify.ts';

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
 * stays stored, and in use until the cutover.
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
        requireMovable(current, accountId);
        const consents = await tx.foreignConsents.listByConnection(current.id);
        const consent = pick(current, consents, accountId);
        await activateSetAside(tx, clientId, consent, clock.now());
        await tx.invitations.consumeByConnection(current.id, clock.now());
        return machine.move(tx, current, 'authorized', {
          actor,
          reason: `account ${current.accountId ?? 'unknown'} → ${accountId}: ${reason}`,
          change: { accountId, accountName: consent.accountName },
        });
      }),
    );
    tokens.forget({ clientId, accountId });
    return verify(moved, { actor });
  };
}

function requireMovable(connection: Connection, accountId: string): void {
  const { customerId, route } = connection;
  if (connection.accountId === accountId) {
    throw new KeyshiftError(
      'request_invalid',
      `Customer ${customerId} already belongs to account ${accountId}.`,
    );
  }
  if (accountMayChange(connection)) return;
  throw new KeyshiftError(
    'stage_conflict',
    `Customer ${customerId} is ${describeStage(connection)} on the ${route} route.`,
    { fix: 'Roll back first: the account cannot change while traffic uses it.' },
  );
}

function pick(
  { customerId }: Connection,
  consents: readonly ForeignConsent[],
  accountId: string,
): ForeignConsent {
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
