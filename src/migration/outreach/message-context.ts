import type { Connection } from '../../model/connection.ts';
import { invitationState, type Invitation, type InvitationState } from '../../model/invitation.ts';
import type { Labels } from '../../model/labels.ts';
import type { MessageKind, OutboxEntry } from '../../model/message.ts';
import { hasConsented } from '../../model/stages.ts';

/** Everything that the text of one message is made of. */
export interface MessageContext {
  /** The id of its row: the same however often it is sent. */
  readonly messageId: string;
  readonly kind: MessageKind;
  /** The address of a mail. */
  readonly recipient: string | undefined;
  readonly customerId: string;
  readonly customerName: string | undefined;
  readonly email: string | undefined;
  readonly accountId: string | undefined;
  readonly accountName: string | undefined;
  readonly labels: Labels;
  readonly wave: string | undefined;
  /** The link: a secret. */
  readonly link: string;
  readonly unsubscribeLink: string;
  readonly expiresAtMs: number;
}

/** What a message is about. */
export interface MessageSubject {
  readonly connection: Connection;
  readonly invitation: Invitation;
  readonly labels: Labels;
  /** The link without a trailing slash. */
  readonly link: string;
}

/** Puts the context of a message together. */
export function toMessageContext(
  entry: Pick<OutboxEntry, 'id' | 'kind' | 'recipient'>,
  { connection, invitation, labels, link }: MessageSubject,
): MessageContext {
  return {
    messageId: entry.id,
    kind: entry.kind,
    recipient: entry.recipient,
    customerId: connection.customerId,
    customerName: connection.name,
    email: connection.email,
    accountId: connection.accountId,
    accountName: connection.accountName,
    labels,
    wave: invitation.wave,
    link,
    unsubscribeLink: `${link}/unsubscribe/${entry.id}`,
    expiresAtMs: invitation.expiresAtMs,
  };
}

/** Why a message has become pointless; `undefined` while it is not. */
export function whyPointless(
  connection: Connection,
  invitation: Invitation,
  nowMs: number,
): string | undefined {
  if (hasConsented(connection)) return 'the customer has consented';
  return pointless[invitationState(invitation, nowMs)];
}

const pointless = {
  open: undefined,
  revoked: 'the invitation was revoked',
  used: 'the invitation was used',
  expired: 'the invitation has expired',
} as const satisfies Record<InvitationState, string | undefined>;

/** The language of a customer, by the label that says so: `de`, `de-AT`. */
export function languageOf(labels: Labels): string | undefined {
  return labels['language'] ?? labels['lang'] ?? labels['locale'];
}
