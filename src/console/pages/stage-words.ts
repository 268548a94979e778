import type { AttentionReason, Stage } from '../../model/stages.ts';
import type { Route } from '../../model/connection.ts';

/** A term of the migration as the console shows it. */
export interface StageWords {
  readonly label: string;
  /** What it means for the connection, or what to do next. */
  readonly meaning: string;
}

/** Every stage in words, in the order of the journey. */
export const stageWords = {
  imported: { label: 'Imported', meaning: 'Key stored, not checked yet' },
  checked: { label: 'Checked', meaning: 'Key works, account known, ready to invite' },
  invited: { label: 'Invited', meaning: 'Link made, not opened yet' },
  opened: { label: 'Opened', meaning: 'Customer opened the link' },
  authorized: { label: 'Authorized', meaning: 'Consented, account not verified yet' },
  verified: { label: 'Verified', meaning: 'Right account, ready to cut over' },
  canary: { label: 'Canary', meaning: 'Part of the traffic uses OAuth' },
  live: { label: 'Live', meaning: 'All traffic uses OAuth' },
  quiet: { label: 'Quiet', meaning: 'The key has not been used for a while' },
  retired: { label: 'Retired', meaning: 'The stored key is destroyed' },
  attention: { label: 'Attention', meaning: 'A person has to look' },
} as const satisfies Record<Stage, StageWords>;

/** Why a connection needs a person, and what that person does. */
export const reasonWords = {
  key_invalid: { label: 'Key invalid', meaning: 'Klaviyo refuses the key: ask for a new one' },
  account_mismatch: { label: 'Other account', meaning: 'Consented for another account' },
  scope_missing: { label: 'Scope missing', meaning: 'Consented to fewer permissions than needed' },
  consent_denied: { label: 'Declined', meaning: 'The customer declined at Klaviyo' },
  invitation_expired: { label: 'Link expired', meaning: 'Invite the customer again' },
  grant_lost: { label: 'Grant lost', meaning: 'App removed or idle too long: invite again' },
  oauth_errors: { label: 'OAuth errors', meaning: 'More calls fail by OAuth than by key' },
} as const satisfies Record<AttentionReason, StageWords>;

/** Which credential the traffic uses, in words. */
export const routeWords = {
  key: 'Private key',
  canary: 'Key, part OAuth',
  oauth: 'OAuth',
} as const satisfies Record<Route, string>;
