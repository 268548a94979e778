import type { Workbench } from '../core/workbench.ts';
import type { IssuedInvitation } from '../migration/invitations.ts';
import { whyNotInvited } from '../model/connection.ts';
import { languageOf } from '../migration/outreach/message-context.ts';
import { queueMessage, type QueueVerdict } from '../migration/outreach/queue-message.ts';
import type { MessageChannel } from '../model/message.ts';
import type { Connection } from '../model/connection.ts';
import type { Store } from '../store/store.ts';
import { eachConnection, type BatchResult } from './each-connection.ts';
import type { InvitationCsv } from './invitation-csv.ts';
import type { Selection } from './select-connections.ts';

/** Whom to invite, and how they are told. */
export interface InviteRequest {
  readonly selection: Selection;
  readonly validForMs: number;
  /** The name of this round. Who was invited in another one is passed over. */
  readonly wave: string | undefined;
  /** Most customers: of the wave in all, or newly invited where the round has no name. */
  readonly limit: number | undefined;
  /** Ends the links that are open and makes new ones. */
  readonly reissue: boolean;
  readonly channels: readonly MessageChannel[];
  readonly csv: InvitationCsv | undefined;
}

/** One customer who has a link, and what became of the messages. */
export interface Invited {
  readonly issued: IssuedInvitation;
  readonly link: string;
  readonly messages: Readonly<Partial<Record<MessageChannel, QueueVerdict>>>;
}

/** Customers who were passed over, since their turn is another one. */
export interface InviteResult extends BatchResult {
  readonly messages: Readonly<Record<QueueVerdict, number>>;
}

/**
 * Invites customers one by one, each in a transaction of its own with the messages about it:
 * after a crash it is run again, and nobody is invited or told twice.
 */
export async function inviteCustomers(
  workbench: Workbench,
  request: InviteRequest,
  signal: AbortSignal,
  onInvited: (invited: Invited) => void,
): Promise<InviteResult> {
  const { store, invitations, config } = workbench;
  const { wave, limit } = request;
  const messages = { queued: 0, queued_before: 0, no_address: 0, opted_out: 0 };
  let left = limit ?? Infinity;
  if (wave !== undefined && limit !== undefined) {
    for await (const _ of store.connections.list({ wave })) left -= 1;
  }
  let passedOver = 0;

  /** Whether it is this customer's turn; a wave that was begun is gone through again. */
  async function isTurn(connection: Connection): Promise<boolean> {
    if (wave === undefined && limit === undefined) return true;
    const open = await invitations.findOpen(connection);
    if (open) return wave !== undefined && open.invitation.wave === wave;
    left -= 1;
    return left >= 0;
  }

  const result = await eachConnection(
    store,
    request.selection,
    (connection) => whyNotInvited(connection) === undefined,
    async (connection) => {
      if (request.selection.customer === undefined && !(await isTurn(connection))) {
        passedOver += 1;
        return;
      }
      const invited = await store.transaction(async (tx) => {
        if (request.reissue) await invitations.revoke(connection, 'cli', 'issued anew');
        const current = request.reissue
          ? ((await tx.connections.findById(connection.id)) ?? connection)
          : connection;
        const issued = await invitations.issue(current, request.validForMs, 'cli', { wave });
        const verdicts: Partial<Record<MessageChannel, QueueVerdict>> = {};
        for (const channel of request.channels) {
          verdicts[channel] = await queueMessage(
            tx,
            { ...issued, kind: 'invitation', channel },
            workbench,
          );
        }
        const link = `${config.publicUrl}/connect/${issued.token.reveal()}`;
        return { issued, link, messages: verdicts };
      });
      for (const verdict of Object.values(invited.messages)) messages[verdict] += 1;
      if (request.csv && invited.messages.export !== 'opted_out') {
        await request.csv.write(await toCsvRow(store, invited));
      }
      onInvited(invited);
    },
    signal,
  );
  return {
    ...result,
    done: result.done - passedOver,
    skipped: result.skipped + passedOver,
    messages,
  };
}

async function toCsvRow(store: Store, { issued, link }: Invited) {
  const { connection, invitation } = issued;
  let messageId = '';
  for await (const entry of store.outbox.list({ invitationId: invitation.id })) {
    if (entry.channel === 'export') messageId = entry.id;
  }
  return {
    customer_id: connection.customerId,
    name: connection.name ?? '',
    email: connection.email ?? '',
    language: languageOf(await store.labels.of(connection.id)) ?? '',
    account_id: connection.accountId ?? '',
    link,
    unsubscribe_link: messageId === '' ? '' : `${link}/unsubscribe/${messageId}`,
    expires_at: new Date(invitation.expiresAtMs).toISOString(),
    wave: invitation.wave ?? '',
  };
}
