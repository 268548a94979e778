import { KeyshiftError } from '../../errors/keyshift-error.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Store } from '../../store/store.ts';
import { hashToken } from '../consent/invitation-token.ts';

/** The link at the end of an email: which invitation it was about, and which message. */
export interface UnsubscribeLink {
  readonly token: string;
  readonly messageId: string;
}

/** Whom an email was for. */
export interface Recipient {
  readonly address: string;
  readonly connectionId: string;
}

/**
 * Finds whom a message was for; also when its link is used, revoked or past its last day.
 *
 * @throws KeyshiftError `invitation_invalid`
 */
export async function findRecipient(
  store: Store,
  { token, messageId }: UnsubscribeLink,
): Promise<Recipient> {
  const invitation = await store.invitations.findByTokenHash(hashToken(token));
  const message = await store.outbox.findById(messageId);
  const connection = invitation && (await store.connections.findById(invitation.connectionId));
  const address = message?.recipient ?? connection?.email;
  if (!invitation || message?.invitationId !== invitation.id || address === undefined) {
    throw new KeyshiftError('invitation_invalid', 'No message has this link.');
  }
  return { address, connectionId: invitation.connectionId };
}

/** Sends no more emails to whoever got this one; asked again, it changes nothing. */
export async function unsubscribe(
  { store, clock }: { readonly store: Store; readonly clock: Clock },
  link: UnsubscribeLink,
  actor: string,
): Promise<void> {
  const { address, connectionId } = await findRecipient(store, link);
  if (await store.optOuts.has(address)) return;
  const atMs = clock.now();
  await store.transaction(async (tx) => {
    await tx.optOuts.add(address, atMs, 'link');
    await tx.audit.append({
      ...{ atMs, actor, action: 'mail.unsubscribed', connectionId },
      ...{ fromStage: undefined, toStage: undefined, reason: undefined },
    });
  });
}
