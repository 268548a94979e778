import { createHash, createHmac } from 'node:crypto';
import { Secret } from '../../runtime/secret.ts';
import { derivePurposeKey } from '../../vault/purpose-key.ts';

/** The secret part of an invitation's link. */
export type InvitationToken = Secret<'invitation_token'>;

/**
 * How tokens are derived: `current` under a key that serves no other purpose, `earlier` under
 * `SESSION_SECRET` itself, as the links were that are out already.
 */
export type TokenDerivation = 'current' | 'earlier';

/**
 * Derives the token of an invitation from its id: signed, so that it cannot be guessed, and
 * repeatable, so that `keyshift invite` shows the same link again without storing it.
 */
export function deriveInvitationToken(
  sessionSecret: Secret<'session_secret'>,
  invitationId: string,
  derivation: TokenDerivation = 'current',
): InvitationToken {
  const key =
    derivation === 'current'
      ? derivePurposeKey(sessionSecret, 'invitation link')
      : sessionSecret.reveal();
  const token = createHmac('sha256', key)
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
