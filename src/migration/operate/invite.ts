import { whyNotInvited, type Connection } from '../../model/connection.ts';
import { KeyshiftError } from '../../errors/keyshift-error.ts';
import { isOpen } from '../../model/invitation.ts';
import type { MessageChannel } from '../../model/message.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Random } from '../../runtime/random.ts';
import type { Store } from '../../store/store.ts';
import type { Invitations, IssuedInvitation } from '../consent/invitations.ts';
import { queueMessage, type QueueVerdict } from '../outreach/queue-message.ts';
import { skip, willChange, type Decision, type UseCase } from './plan.ts';
import type { Selection } from './selection.ts';

/** What invitations work with. */
export interface InviteDeps {
  readonly store: Store;
  readonly invitations: Invitations;
  readonly clock: Clock;
  readonly random: Random;
}

/** How customers are invited, and how they are told. */
export interface InviteRequest {
  readonly validForMs: number;
  /** The name of this round. Customers in another wave are skipped. */
  readonly wave?: string | undefined;
  /** Most customers: of the wave in all, or newly invited where the round has no name. */
  readonly limit?: number | undefined;
  /** Revokes the links that are open and makes new ones. */
  readonly reissue?: boolean;
  readonly channels: readonly MessageChannel[];
}

/** One customer who has a link, and what became of the messages. */
export interface Invited {
  readonly issued: IssuedInvitation;
  readonly messages: Readonly<Partial<Record<MessageChannel, QueueVerdict>>>;
}

/**
 * Invites customers, each in a transaction of its own with the messages about it: after a crash it
 * is run again, and nobody is invited or told twice. Whoever has an open link keeps it. Waves and
 * limits do not hold for customers whom the selection names.
 */
export async function inviteCustomers(
  deps: InviteDeps,
  request: InviteRequest,
  selection: Selection,
): Promise<UseCase<undefined, Invited>> {
  const { store, invitations } = deps;
  const { wave, limit, reissue = false, channels } = request;
  const inTurns = selection.customers === undefined && (wave !== undefined || limit !== undefined);
  let left = limit ?? Infinity;
  if (wave !== undefined && limit !== undefined) {
    for await (const _ of store.connections.list({ wave })) left -= 1;
  }

  async function decide(connection: Connection): Promise<Decision<undefined>> {
    const obstacle = whyNotInvited(connection);
    if (obstacle !== undefined) return skip('other_stage', cannot(connection, obstacle));
    const open = await invitations.findOpen(connection);
    // A wave that was begun is gone through again: a crash may have come before the messages.
    if (inTurns && open && (wave === undefined || open.invitation.wave !== wave)) {
      return skip('other_wave', cannot(connection, describeWave(open.invitation.wave)));
    }
    if (inTurns && !open) {
      left -= 1;
      if (left < 0) return skip('limit_reached', cannot(connection, `the limit is ${limit ?? 0}`));
    }
    return willChange(undefined, describeInvitation(open !== undefined, request));
  }

  return {
    decide,
    carryOut: (connection, _change, { actor }) =>
      store.transaction(async (tx) => {
        const within = invitations.within(tx);
        if (reissue) await within.revoke(connection, actor, 'issued anew');
        const current = reissue
          ? ((await tx.connections.findById(connection.id)) ?? connection)
          : connection;
        const issued = await within.issue(current, request.validForMs, actor, { wave });
        const messages: Partial<Record<MessageChannel, QueueVerdict>> = {};
        for (const channel of channels) {
          messages[channel] = await queueMessage(
            tx,
            { ...issued, kind: 'invitation', channel },
            deps,
          );
        }
        return { issued, messages };
      }),
  };
}

function cannot({ customerId }: Connection, why: string): KeyshiftError {
  return new KeyshiftError('stage_conflict', `Customer ${customerId} cannot be invited: ${why}.`);
}

function describeWave(wave: string | undefined): string {
  return wave === undefined ? 'it has an open link' : `it is in the wave ${wave}`;
}

function describeInvitation(
  hasLink: boolean,
  { channels, reissue = false }: InviteRequest,
): string {
  const link = hasLink
    ? reissue
      ? 'its link is revoked, and it gets a new one'
      : 'it keeps its open link'
    : 'it gets a link';
  const told = channels.map((channel) => channelWords[channel]).join(' and ');
  return told === '' ? link : `${link}, ${told}`;
}

const channelWords = {
  mail: 'sent by email unless it was',
  webhook: 'posted to the webhook unless it was',
  export: 'written to the file',
} as const satisfies Record<MessageChannel, string>;

/** Revokes the open links of customers, and cancels the messages that wait to bring them. */
export function revokeLinks({
  store,
  invitations,
  clock,
}: Pick<InviteDeps, 'store' | 'invitations' | 'clock'>): UseCase<undefined, number> {
  return {
    async decide({ id, customerId }) {
      const links = await store.invitations.listByConnection(id);
      if (links.some((link) => isOpen(link, clock.now()))) {
        return willChange(undefined, 'its open link is revoked');
      }
      const message = `Customer ${customerId} has no open link.`;
      return skip('already', new KeyshiftError('not_found', message));
    },
    carryOut: (connection, _change, { actor }) => invitations.revoke(connection, actor),
  };
}
