import { KeyshiftError } from '../../errors/keyshift-error.ts';
import type { KlaviyoAccount } from '../../klaviyo/account.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Random } from '../../runtime/random.ts';
import type { Authorization } from '../../model/authorization.ts';
import { newConnection, type Connection } from '../../model/connection.ts';
import { awaitsConsent } from '../../model/stages.ts';
import type { TokenPair } from '../../model/grant.ts';
import type { Store } from '../../store/store.ts';
import { retryConflict, type StageMachine } from '../stage-machine.ts';
import { assertNotEnded } from './invitations.ts';

/** For whom an account consented, as known when the attempt began. */
export type AttemptTarget = Pick<Authorization, 'invitationId' | 'customerId' | 'createdAtMs'>;

/** Writes what a consent means for the grant and the connections of its account. */
export interface ConsentRecorder {
  /**
   * Saves the grant and moves every connection of the account to `authorized`, all or nothing.
   *
   * @throws KeyshiftError `invitation_revoked`, `invitation_expired`, `invitation_invalid`
   */
  record(
    attempt: AttemptTarget,
    account: KlaviyoAccount,
    pair: TokenPair,
    missingScopes: readonly string[],
  ): Promise<readonly Connection[]>;
  /** Keeps a pair of the wrong account where it serves nothing. */
  setAside(connection: Connection, account: KlaviyoAccount, pair: TokenPair): Promise<void>;
}

/** What {@link createConsentRecorder} works with. */
export interface ConsentRecorderOptions {
  readonly store: Store;
  readonly machine: StageMachine;
  readonly clock: Clock;
  readonly random: Random;
  readonly clientId: string;
}

/**
 * The connection that an attempt was started for: by its invitation, else by its customer.
 * The binding is made at the start and stored; nothing in the callback can change it.
 */
export async function findBoundConnection(
  store: Store,
  attempt: AttemptTarget,
): Promise<Connection | undefined> {
  if (attempt.invitationId !== undefined) {
    const invitation = await store.invitations.findById(attempt.invitationId);
    return invitation && store.connections.findById(invitation.connectionId);
  }
  return attempt.customerId === undefined
    ? undefined
    : store.connections.findByCustomer(attempt.customerId);
}

/**
 * Looks at the invitation of an attempt again: while its customer is in Klaviyo it may be revoked.
 * An attempt that began on its last day may end after it.
 *
 * @throws KeyshiftError `invitation_revoked`, `invitation_expired`, `invitation_invalid`
 */
export async function assertStillInvited(
  store: Store,
  { invitationId, createdAtMs }: AttemptTarget,
): Promise<void> {
  if (invitationId === undefined) return;
  const invitation = await store.invitations.findById(invitationId);
  if (!invitation) throw new KeyshiftError('invitation_invalid', 'The invitation is gone.');
  assertNotEnded(invitation, createdAtMs);
}

/**
 * Compares once more in the transaction that saves: an import or an operator may have come between.
 *
 * @throws KeyshiftError `account_unverified`; nothing is saved then
 */
function assertComparable(connection: Connection | undefined, { accountId }: KlaviyoAccount): void {
  if (!connection || connection.accountId === accountId) return;
  if (connection.accountId === undefined && connection.key !== 'held') return;
  throw new KeyshiftError(
    'account_unverified',
    'The private key or the account of the customer was changed during the consent.',
  );
}

/** Creates the recorder. */
export function createConsentRecorder(options: ConsentRecorderOptions): ConsentRecorder {
  const { store, machine, clock, random, clientId } = options;

  function grantKey(account: KlaviyoAccount) {
    return { clientId, accountId: account.accountId, id: random.id() };
  }

  return {
    record: (attempt, account, pair, missing) =>
      retryConflict(() =>
        store.transaction(async (tx) => {
          await assertStillInvited(tx, attempt);
          await tx.grants.saveConsent(grantKey(account), pair);
          const moved: Connection[] = [];
          for (const connection of await listConnections(tx, attempt, account)) {
            if (moved.length === 0) {
              assertComparable(await tx.connections.lock(connection.id), account);
            }
            moved.push(await advance(tx, connection, account, missing));
          }
          return moved;
        }),
      ),
    setAside: (connection, account, pair) =>
      retryConflict(() =>
        store.transaction(async (tx) => {
          const grant = await tx.grants.setAside(grantKey(account), pair);
          await tx.foreignConsents.insert({
            ...{ grantId: grant.id, connectionId: connection.id },
            ...{ accountId: account.accountId, accountName: account.name },
            consentedAtMs: pair.obtainedAtMs,
          });
          const current = await tx.connections.findById(connection.id);
          if (!current || !awaitsConsent(current)) return;
          const reason = `consent came from account ${account.accountId}`;
          await machine.flag(tx, current, 'account_mismatch', { actor: 'customer', reason });
        }),
      ),
  };

  /** The bound connection first, then every other of the account: they share the one grant. */
  async function listConnections(
    tx: Store,
    attempt: AttemptTarget,
    account: KlaviyoAccount,
  ): Promise<Connection[]> {
    let bound = await findBoundConnection(tx, attempt);
    if (!bound && attempt.customerId !== undefined) {
      bound = await tx.connections.insert(
        newConnection(options, {
          customerId: attempt.customerId,
          stage: 'checked',
          route: 'oauth',
        }),
      );
    }
    const others = await tx.connections.listByAccount(account.accountId);
    return [...(bound ? [bound] : []), ...others.filter((other) => other.id !== bound?.id)];
  }

  async function advance(
    tx: Store,
    connection: Connection,
    account: KlaviyoAccount,
    missing: readonly string[],
  ): Promise<Connection> {
    const actor = 'customer';
    const accountName = account.name ?? connection.accountName;
    const change = { accountId: account.accountId, accountName };
    if (missing.length > 0) {
      if (!awaitsConsent(connection)) return connection;
      const reason = `not granted: ${missing.join(', ')}`;
      await tx.verifications.replace(connection.id, [
        {
          kind: 'scopes',
          verdict: 'failed',
          reason: 'scope_missing',
          detail: reason,
          atMs: clock.now(),
        },
      ]);
      return machine.flag(tx, connection, 'scope_missing', { actor, reason, change });
    }
    await tx.invitations.consumeByConnection(connection.id, clock.now());
    if (!awaitsConsent(connection)) return connection;
    return machine.move(tx, connection, 'authorized', { actor, change });
  }
}
