import { KeyshiftError } from '../../errors/keyshift-error.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Random } from '../../runtime/random.ts';
import type { Secret } from '../../runtime/secret.ts';
import { whyNotInvited, type Connection } from '../../model/connection.ts';
import { invitationState, isOpen, type Invitation } from '../../model/invitation.ts';
import { hasConsented, isInvited } from '../../model/stages.ts';
import type { Store } from '../../store/store.ts';
import { deriveInvitationToken, hashToken, type InvitationToken } from './invitation-token.ts';
import type { StageMachine } from '../stage-machine.ts';

/** An invitation with the link that only its customer should get. */
export interface IssuedInvitation {
  readonly connection: Connection;
  readonly invitation: Invitation;
  readonly token: InvitationToken;
  /** Whether it was created just now, or had been before. */
  readonly fresh: boolean;
}

/** A link that works, with its secret part. */
export interface OpenInvitation {
  readonly invitation: Invitation;
  readonly token: InvitationToken;
}

/** An invitation as found by the token of its link. */
export interface FoundInvitation {
  readonly invitation: Invitation;
  readonly connection: Connection;
}

/** Issues invitations and finds them again. */
export interface Invitations {
  /** The same, as part of a transaction. */
  within(tx: Store): Invitations;
  /**
   * Invites the customer of a connection, or answers the invitation that is open already.
   *
   * @throws KeyshiftError `stage_conflict` when the connection cannot be invited at its stage
   */
  issue(
    connection: Connection,
    validForMs: number,
    actor: string,
    options?: { readonly wave?: string | undefined },
  ): Promise<IssuedInvitation>;
  /** The invitation by which the customer can consent now, with its token. */
  findOpen(connection: Connection): Promise<OpenInvitation | undefined>;
  /**
   * The token of an invitation, which is not stored; `undefined` when it was made under another
   * `SESSION_SECRET`: the link goes on working, but can no longer be shown.
   */
  tokenOf(invitation: Invitation): InvitationToken | undefined;
  /**
   * Ends every open link of a connection and cancels the messages that wait to bring it. Answers
   * how many links were ended.
   */
  revoke(connection: Connection, actor: string, reason?: string): Promise<number>;
  /**
   * Finds the invitation of a link, also when its customer has connected already.
   *
   * @throws KeyshiftError `invitation_invalid`, `invitation_revoked`, `invitation_expired`
   */
  find(token: string): Promise<FoundInvitation>;
  /** Records that the customer opened the link; asks nothing and consumes nothing. */
  open(found: FoundInvitation): Promise<void>;
}

/** What {@link createInvitations} works with. */
export interface InvitationsOptions {
  readonly store: Store;
  readonly machine: StageMachine;
  readonly clock: Clock;
  readonly random: Random;
  readonly sessionSecret: Secret<'session_secret'>;
}

/**
 * Throws where a consent can no longer begin with an invitation. One that was used serves until its
 * last day, as when its grant was lost.
 *
 * @throws KeyshiftError `invitation_revoked`, `invitation_expired`
 */
export function assertNotEnded({ revokedAtMs, expiresAtMs }: Invitation, atMs: number): void {
  if (revokedAtMs !== undefined) {
    throw new KeyshiftError('invitation_revoked', 'The invitation was revoked.');
  }
  if (expiresAtMs <= atMs) {
    throw new KeyshiftError('invitation_expired', 'The invitation has expired.');
  }
}

/**
 * Throws where a link that was found can begin nothing more: one that was used begins no consent
 * after its last day, should its customer need another one.
 *
 * @throws KeyshiftError `invitation_revoked`, `invitation_expired`
 */
export function assertMayBegin({ invitation, connection }: FoundInvitation, atMs: number): void {
  if (!hasConsented(connection)) assertNotEnded(invitation, atMs);
}

/** Creates the service. */
export function createInvitations(options: InvitationsOptions): Invitations {
  const { store, machine, clock, random, sessionSecret } = options;

  function tokenOf(invitation: Invitation): InvitationToken | undefined {
    // The hash tells which derivation a link has, so that no row has to.
    return (['current', 'earlier'] as const)
      .map((derivation) => deriveInvitationToken(sessionSecret, invitation.id, derivation))
      .find((token) => hashToken(token) === invitation.tokenHash);
  }

  async function findOpen(connection: Connection): Promise<OpenInvitation | undefined> {
    for (const invitation of await store.invitations.listByConnection(connection.id)) {
      const token = isOpen(invitation, clock.now()) ? tokenOf(invitation) : undefined;
      if (token) return { invitation, token };
    }
    return undefined;
  }

  return {
    within: (tx) => createInvitations({ ...options, store: tx }),
    findOpen,
    tokenOf,
    async issue(connection, validForMs, actor, { wave } = {}) {
      const obstacle = whyNotInvited(connection);
      if (obstacle !== undefined) {
        throw new KeyshiftError(
          'stage_conflict',
          `Customer ${connection.customerId} cannot be invited: ${obstacle}.`,
        );
      }
      const nowMs = clock.now();
      const open = await findOpen(connection);
      if (open) return { connection, ...open, fresh: false };
      const id = random.id();
      const token = deriveInvitationToken(sessionSecret, id);
      const invitation: Invitation = {
        id,
        connectionId: connection.id,
        tokenHash: hashToken(token),
        ...(wave === undefined ? {} : { wave }),
        createdAtMs: nowMs,
        expiresAtMs: nowMs + validForMs,
        openedAtMs: undefined,
        consumedAtMs: undefined,
        revokedAtMs: undefined,
      };
      return store.transaction(async (tx) => {
        await tx.invitations.insert(invitation);
        const invited = isInvited(connection)
          ? connection
          : await machine.move(tx, connection, 'invited', { actor });
        return { connection: invited, invitation, token, fresh: true };
      });
    },

    revoke: (connection, actor, reason = 'revoked') =>
      store.transaction(async (tx) => {
        const all = await tx.invitations.listByConnection(connection.id);
        const open = all.filter((each) => isOpen(each, clock.now()));
        if (open.length === 0) return 0;
        for (const { id } of open) {
          await tx.invitations.revoke(id, clock.now());
          await tx.outbox.cancelByInvitation(id, clock.now(), reason);
        }
        const current = await tx.connections.findById(connection.id);
        if (current && isInvited(current)) {
          await machine.move(tx, current, 'checked', { actor, reason: `invitation ${reason}` });
        }
        return open.length;
      }),

    async find(token) {
      const invitation = await store.invitations.findByTokenHash(hashToken(token));
      const connection = invitation && (await store.connections.findById(invitation.connectionId));
      if (!invitation || !connection) {
        throw new KeyshiftError('invitation_invalid', 'No invitation has this link.');
      }
      // A link that was used is known for as long as anybody may open it.
      if (invitationState(invitation, clock.now()) !== 'used') {
        assertNotEnded(invitation, clock.now());
      }
      return { invitation, connection };
    },

    async open({ invitation, connection }) {
      if (invitation.openedAtMs !== undefined) return;
      await store.transaction(async (tx) => {
        await tx.invitations.markOpened(invitation.id, clock.now());
        const current = await tx.connections.findById(connection.id);
        if (current?.stage === 'invited') {
          await machine.move(tx, current, 'opened', { actor: 'customer' });
        }
      });
    },
  };
}
