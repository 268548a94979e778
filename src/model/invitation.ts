/** A durable link asking a customer to consent; it survives clicks and ends with success. */
export interface Invitation {
  readonly id: string;
  readonly connectionId: string;
  /** SHA-256 of the link's token, base64url; the token itself is never stored. */
  readonly tokenHash: string;
  /** The round of invitations that it belongs to, where rounds have names. */
  readonly wave?: string | undefined;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly openedAtMs: number | undefined;
  readonly consumedAtMs: number | undefined;
  readonly revokedAtMs: number | undefined;
}

/** How an invitation stands: its link works, or which of its ends came, a revocation before all. */
export type InvitationState = 'open' | 'revoked' | 'used' | 'expired';

/** The state of an invitation; one that was used no longer expires. */
export function invitationState(
  { consumedAtMs, revokedAtMs, expiresAtMs }: Invitation,
  nowMs: number,
): InvitationState {
  if (revokedAtMs !== undefined) return 'revoked';
  if (consumedAtMs !== undefined) return 'used';
  return expiresAtMs <= nowMs ? 'expired' : 'open';
}

/** Whether its link can be used now. */
export function isOpen(invitation: Invitation, nowMs: number): boolean {
  return invitationState(invitation, nowMs) === 'open';
}
