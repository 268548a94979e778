/** How far a connection has come, in the order of the journey; `attention` may follow any. */
export const stages = [
  'imported',
  'checked',
  'invited',
  'opened',
  'authorized',
  'verified',
  'canary',
  'live',
  'quiet',
  'retired',
  'attention',
] as const;
export type Stage = (typeof stages)[number];

/** Why a connection needs a person. */
export const attentionReasons = [
  'key_invalid',
  'account_mismatch',
  'scope_missing',
  'consent_denied',
  'invitation_expired',
  'grant_lost',
  'oauth_errors',
] as const;
export type AttentionReason = (typeof attentionReasons)[number];
