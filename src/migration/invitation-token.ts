import { createHash, createHmac } from 'node:crypto';
import { Secret } from '../runtime/secret.ts';

/** The secret part of an invitation's link. */
export type InvitationToken = Secret<'invitation_token'>;

/**
 * Derives the token of an invitation from its id: signed, so that it cannot be guessed, and
 * repeatable, so that `keyshift invite` shows the same link again without storing it.
 */
export function deriveInvitationToken(
  sessionSecret: Secret<'session_secret'>,
  invitationId: string,
): InvitationToken {
  const token = createHmac('sha256', sessionSecret.reveal())
    .update(`keyshift invitation ${invitationId}`)
    .digest('base64url');
  return new Secret('invitation_token', token);
}

/** SHA-256, base64url: how one-time values are stored and looked up. */
export function hashToken(token: Secret | string): string {
  return createHash('sha256')
    .update(typeof token === 'string' ? token : token.reveal())
    .digest('base64url');
}
