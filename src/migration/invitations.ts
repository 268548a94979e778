import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import type { Secret } from '../runtime/secret.ts';
import type { Connection, Invitation, Stage } from '../store/records.ts';
import type { Store } from '../store/store.ts';
import { deriveInvitationToken, hashToken, type InvitationToken } from './invitation-token.ts';
import type { StageMachine } from './stage-machine.ts';

/** An invitation with the link that only its customer should get. */
export interface IssuedInvitation {
  readonly connection: Connection;
  readonly invitation: Invitation;
  readonly token: InvitationToken;
  /** Whether it was created just now, or had been before. */
  readonly fresh: boolean;
}

/** An invitation as found by the token of its link. */
export interface FoundInvitation {
  readonly invitation: Invitation;
  readonly connection: Connection;
}

/** Issues invitations and finds them again. */
export interface Invitations {
  /**
   * Invites the customer of a connection, or answers the invitation that is open already.
   *
   * @throws KeyshiftError `stage_conflict` when the connection cannot be invited at its stage
   */
  issue(connection: Connection, validForMs: number, actor: string): Promise<IssuedInvitation>;
  /**
   * Finds the invitation of a link, also when its customer has connected already.
   *
   * @throws KeyshiftError `invitation_invalid`, `invitation_expired`
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

/** Why a connection cannot be invited now; `undefined` when it can. */
export function whyNotInvited(connection: Connection): string | undefined {
  switch (connection.stage) {
    case 'checked':
    case 'invited':
    case 'opened':
      return undefined;
    case 'imported':
      return 'its private key has not been checked: run `keyshift check`';
    case 'attention':
      return connection.attentionReason === 'key_invalid' || connection.accountId === undefined
        ? `its account is not known (${connection.attentionReason ?? 'attention'}): import a working key first`
        : undefined;
    case 'authorized':
    case 'verified':
    case 'canary':
    case 'live':
    case 'quiet':
    case 'retired':
      return 'it has consented already';
    default:
      return connection.stage satisfies never;
  }
}

/** Creates the service. */
export function createInvitations(options: InvitationsOptions): Invitations {
  const { store, machine, clock, random, sessionSecret } = options;

  async function findOpen(connection: Connection, nowMs: number) {
    for (const invitation of await store.invitations.listByConnection(connection.id)) {
      if (invitation.consumedAtMs !== undefined || invitation.revokedAtMs !== undefined) continue;
      if (invitation.expiresAtMs <= nowMs) continue;
      const token = deriveInvitationToken(sessionSecret, invitation.id);
      // A changed SESSION_SECRET leaves old links valid, but they can no longer be shown.
      if (hashToken(token) === invitation.tokenHash) return { invitation, token };
    }
    return undefined;
  }

  return {
    async issue(connection, validForMs, actor) {
      const obstacle = whyNotInvited(connection);
      if (obstacle !== undefined) {
        throw new KeyshiftError(
          'stage_conflict',
          `Customer ${connection.customerId} cannot be invited: ${obstacle}.`,
        );
      }
      const nowMs = clock.now();
      const open = await findOpen(connection, nowMs);
      if (open) return { connection, ...open, fresh: false };
      const id = random.id();
      const token = deriveInvitationToken(sessionSecret, id);
      const invitation: Invitation = {
        id,
        connectionId: connection.id,
        tokenHash: hashToken(token),
        createdAtMs: nowMs,
        expiresAtMs: nowMs + validForMs,
        openedAtMs: undefined,
        consumedAtMs: undefined,
        revokedAtMs: undefined,
      };
      return store.transaction(async (tx) => {
        await tx.invitations.insert(invitation);
        const invited =
          connection.stage === 'invited' || connection.stage === 'opened'
            ? connection
            : await machine.move(tx, connection, 'invited', { actor });
        return { connection: invited, invitation, token, fresh: true };
      });
    },

    async find(token) {
      const invitation = await store.invitations.findByTokenHash(hashToken(token));
      const connection = invitation && (await store.connections.findById(invitation.connectionId));
      if (!invitation || !connection || invitation.revokedAtMs !== undefined) {
        throw new KeyshiftError('invitation_invalid', 'No invitation has this link.');
      }
      const open = invitation.consumedAtMs === undefined;
      if (open && invitation.expiresAtMs <= clock.now()) {
        throw new KeyshiftError('invitation_expired', 'The invitation is past its last day.');
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

/** Stages at which a customer has nothing left to do. */
export const consentedStages: ReadonlySet<Stage> = new Set([
  'authorized',
  'verified',
  'canary',
  'live',
  'quiet',
  'retired',
]);
