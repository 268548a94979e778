import type { Clock } from '../../runtime/clock.ts';
import type { Random } from '../../runtime/random.ts';
import type { MessageChannel, MessageKind } from '../../model/message.ts';
import type { Connection } from '../../model/connection.ts';
import type { Invitation } from '../../model/invitation.ts';
import type { Store } from '../../store/store.ts';

/** What became of a message that was to be queued. */
export type QueueVerdict = 'queued' | 'queued_before' | 'no_address' | 'opted_out';

/** A message to be queued. */
export interface MessageRequest {
  readonly connection: Connection;
  readonly invitation: Invitation;
  readonly kind: MessageKind;
  readonly channel: MessageChannel;
  /** Where several messages of a kind may go out for one invitation: which one this is. */
  readonly turn?: string;
  /** In place of the customer's own address. */
  readonly recipient?: string;
  readonly dueAtMs?: number;
}

/**
 * Queues a message, once: asked again for the same invitation, kind, channel and turn it changes
 * nothing. Mail goes to nobody who has no address or asked for none.
 */
export async function queueMessage(
  store: Store,
  request: MessageRequest,
  runtime: { readonly clock: Clock; readonly random: Random },
): Promise<QueueVerdict> {
  const { connection, invitation, kind, channel, turn = '' } = request;
  const obstacle = await whyNotQueued(store, request);
  if (obstacle !== undefined) return obstacle;
  const nowMs = runtime.clock.now();
  const added = await store.outbox.add({
    id: runtime.random.id(),
    onceKey: [kind, channel, invitation.id, turn].join(':'),
    connectionId: connection.id,
    invitationId: invitation.id,
    kind,
    channel,
    recipient: request.recipient ?? connection.email,
    dueAtMs: request.dueAtMs ?? nowMs,
    createdAtMs: nowMs,
    ...(channel === 'export' ? { state: 'sent' as const } : {}),
  });
  return added ? 'queued' : 'queued_before';
}

/** Why a message cannot go to its recipient; `undefined` when it can. */
export async function whyNotQueued(
  store: Pick<Store, 'optOuts'>,
  message: Pick<MessageRequest, 'connection' | 'channel' | 'recipient'>,
): Promise<'no_address' | 'opted_out' | undefined> {
  const recipient = message.recipient ?? message.connection.email;
  if (recipient === undefined) return message.channel === 'mail' ? 'no_address' : undefined;
  return (await store.optOuts.has(recipient)) ? 'opted_out' : undefined;
}
