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

/** Whether its link can be used now. */
export function isOpen(
  { consumedAtMs, revokedAtMs, expiresAtMs }: Invitation,
  nowMs: number,
): boolean {
  return consumedAtMs === undefined && revokedAtMs === undefined && expiresAtMs > nowMs;
}
