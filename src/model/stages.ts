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

/** The stages of the journey itself, without the place where a connection waits for a person. */
export type JourneyStage = Exclude<Stage, 'attention'>;

/** Everything that a stage means. A new stage is a new row, and the compiler asks for each answer. */
export interface StageRules {
  /** What follows forward, then the ways back. `attention` follows every stage of the journey. */
  readonly next: readonly JourneyStage[];
  /** Whether a connection may come back here out of `attention`. */
  readonly resumes: boolean;
  /** Whether the customer's consent is still awaited, or was given. */
  readonly consent: 'awaited' | 'given';
  /**
   * Whether the customer may be invited, holds a link already, or why neither: words that complete
   * "cannot be invited: …".
   */
  readonly invitation: 'ready' | 'sent' | { readonly refused: string };
  /** Whether an import may replace the private key: nothing was promised for the old one. */
  readonly keyMayBeReplaced: boolean;
  /** Whether traffic still goes by key, is partly moved, or has moved to OAuth. */
  readonly traffic: 'by_key' | 'moving' | 'moved';
  /** Whether calls by OAuth are compared with the key, and the connection held when they do worse. */
  readonly watched: boolean;
  /** Whether its grant is proven, so that a canary or the cutover may begin. */
  readonly mayCutOver: boolean;
  /** Whether traffic that has moved may go back to the key. */
  readonly mayRollBack: boolean;
  /** Whether the private key may be retired. */
  readonly mayRetire: boolean;
  /** Its name for people. */
  readonly label: string;
  /** What it means for the connection, or what to do next. */
  readonly meaning: string;
}

const consented: StageRules['invitation'] = { refused: 'it has already consented' };

/**
 * The one table of the journey: every rule about stages follows from it. The ways back: a replaced
 * key is checked again, a revoked invitation leads back to `checked`, a rollback before retirement
 * returns to `verified` with the key in use.
 */
export const stageRules: Readonly<Record<Stage, StageRules>> = {
  imported: {
    next: ['checked', 'authorized'],
    resumes: true,
    consent: 'awaited',
    invitation: { refused: 'its private key has not been checked: run `keyshift check`' },
    keyMayBeReplaced: true,
    traffic: 'by_key',
    watched: false,
    mayCutOver: false,
    mayRollBack: true,
    mayRetire: false,
    label: 'Imported',
    meaning: 'Key stored, not checked yet',
  },
  checked: {
    next: ['invited', 'opened', 'authorized', 'imported'],
    resumes: true,
    consent: 'awaited',
    invitation: 'ready',
    keyMayBeReplaced: true,
    traffic: 'by_key',
    watched: false,
    mayCutOver: false,
    mayRollBack: true,
    mayRetire: false,
    label: 'Checked',
    meaning: 'Key works, account known, ready to invite',
  },
  invited: {
    next: ['opened', 'authorized', 'checked', 'imported'],
    resumes: true,
    consent: 'awaited',
    invitation: 'sent',
    keyMayBeReplaced: true,
    traffic: 'by_key',
    watched: false,
    mayCutOver: false,
    mayRollBack: true,
    mayRetire: false,
    label: 'Invited',
    meaning: 'Link created, not opened yet',
  },
  opened: {
    next: ['authorized', 'checked', 'imported'],
    // Whoever declined or chose another account is invited once more, and opens that link.
    resumes: false,
    consent: 'awaited',
    invitation: 'sent',
    keyMayBeReplaced: true,
    traffic: 'by_key',
    watched: false,
    mayCutOver: false,
    mayRollBack: true,
    mayRetire: false,
    label: 'Opened',
    meaning: 'Customer opened the link',
  },
  authorized: {
    next: ['verified', 'checked'],
    resumes: true,
    consent: 'given',
    invitation: consented,
    keyMayBeReplaced: false,
    traffic: 'by_key',
    watched: false,
    mayCutOver: false,
    mayRollBack: true,
    mayRetire: false,
    label: 'Authorized',
    meaning: 'Consented, account not verified yet',
  },
  verified: {
    next: ['canary', 'live', 'authorized', 'checked'],
    resumes: true,
    consent: 'given',
    invitation: consented,
    keyMayBeReplaced: false,
    traffic: 'by_key',
    watched: false,
    mayCutOver: true,
    mayRollBack: true,
    mayRetire: false,
    label: 'Verified',
    meaning: 'Right account, ready to cut over',
  },
  canary: {
    next: ['live', 'verified', 'checked'],
    // A canary that is set aside goes back to its key: a new share is for a person to decide.
    resumes: false,
    consent: 'given',
    invitation: consented,
    keyMayBeReplaced: false,
    traffic: 'moving',
    watched: true,
    mayCutOver: true,
    mayRollBack: true,
    mayRetire: false,
    label: 'Canary',
    meaning: 'Part of the traffic uses OAuth',
  },
  live: {
    next: ['quiet', 'verified', 'checked'],
    resumes: true,
    consent: 'given',
    invitation: consented,
    keyMayBeReplaced: false,
    traffic: 'moved',
    watched: true,
    mayCutOver: false,
    mayRollBack: true,
    mayRetire: true,
    label: 'Live',
    meaning: 'All traffic uses OAuth',
  },
  quiet: {
    next: ['retired', 'live', 'verified', 'checked'],
    resumes: true,
    consent: 'given',
    invitation: consented,
    keyMayBeReplaced: false,
    traffic: 'moved',
    watched: true,
    mayCutOver: false,
    mayRollBack: true,
    mayRetire: true,
    label: 'Quiet',
    meaning: 'The key has not been used for a while',
  },
  retired: {
    next: [],
    resumes: true,
    consent: 'given',
    invitation: consented,
    keyMayBeReplaced: false,
    traffic: 'moved',
    watched: false,
    mayCutOver: false,
    mayRollBack: false,
    mayRetire: false,
    label: 'Retired',
    meaning: 'The stored key is destroyed',
  },
  // Its reason and the stage before it decide what else holds: see `connection.ts`.
  attention: {
    next: [],
    resumes: false,
    // Whoever waits for a person may mend it by consenting.
    consent: 'awaited',
    invitation: 'ready',
    keyMayBeReplaced: false,
    traffic: 'by_key',
    watched: false,
    mayCutOver: false,
    mayRollBack: true,
    mayRetire: false,
    label: 'Attention',
    meaning: 'Needs attention',
  },
};

/** What a reason for `attention` means. */
export interface ReasonRules {
  /** Whether a reminder may still go out: the customer was not asked to stop, and can mend it. */
  readonly mayRemind: boolean;
  /** Whether the checks of a consent may be made again: there is a grant that may have changed. */
  readonly mayVerify: boolean;
  /** Where a rollback to the key leads: to a grant that lives and has to prove itself, or before it. */
  readonly rollsBackTo: 'authorized' | 'checked';
  /** Its name for people. */
  readonly label: string;
  /** What the person does about it. */
  readonly meaning: string;
}

/** Why a connection needs a person. */
export const reasonRules = {
  key_invalid: {
    mayRemind: false,
    mayVerify: false,
    rollsBackTo: 'checked',
    label: 'Key invalid',
    meaning: 'Klaviyo rejects the key: ask for a new one',
  },
  account_mismatch: {
    mayRemind: true,
    mayVerify: false,
    rollsBackTo: 'checked',
    label: 'Other account',
    meaning: 'Consented with a different account',
  },
  scope_missing: {
    mayRemind: true,
    mayVerify: true,
    rollsBackTo: 'checked',
    label: 'Scope missing',
    meaning: 'Consented to fewer permissions than needed',
  },
  consent_denied: {
    mayRemind: false,
    mayVerify: false,
    rollsBackTo: 'checked',
    label: 'Declined',
    meaning: 'The customer declined in Klaviyo',
  },
  invitation_expired: {
    mayRemind: false,
    mayVerify: false,
    rollsBackTo: 'checked',
    label: 'Link expired',
    meaning: 'Invite the customer again',
  },
  grant_lost: {
    mayRemind: false,
    mayVerify: false,
    rollsBackTo: 'checked',
    label: 'Grant lost',
    meaning: 'App uninstalled or unused for too long: invite again',
  },
  oauth_errors: {
    mayRemind: false,
    mayVerify: true,
    rollsBackTo: 'authorized',
    label: 'OAuth errors',
    meaning: 'More calls fail over OAuth than with the key',
  },
} as const satisfies Record<string, ReasonRules>;
export type AttentionReason = keyof typeof reasonRules;

/** Every reason, in the order of the table. */
export const attentionReasons = Object.keys(reasonRules) as readonly AttentionReason[];

/** The stages of the journey, in order: the steps of every funnel. */
export const journeyStages = stages.filter((stage) => stage !== 'attention');

/** Whether a connection may go from one stage to another. */
export function canMove(from: Stage, to: Stage): boolean {
  if (to === 'attention') return from !== 'attention';
  if (from === 'attention') return stageRules[to].resumes;
  return stageRules[from].next.includes(to);
}

/** A connection, or whatever else stands at a stage. */
export interface AtStage {
  readonly stage: Stage;
}

/** Whether a consent would move it on. */
export function awaitsConsent({ stage }: AtStage): boolean {
  return stageRules[stage].consent === 'awaited';
}

/** Whether its customer has nothing left to do. */
export function hasConsented({ stage }: AtStage): boolean {
  return stageRules[stage].consent === 'given';
}

/** Whether its customer was sent a link and has not consented. */
export function isInvited({ stage }: AtStage): boolean {
  return stageRules[stage].invitation === 'sent';
}

/** Whether its calls by OAuth are watched. */
export function isWatched({ stage }: AtStage): boolean {
  return stageRules[stage].watched;
}

/** Whether all of its traffic has moved to OAuth. */
export function hasMoved({ stage }: AtStage): boolean {
  return stageRules[stage].traffic === 'moved';
}

/** Whether a canary or the cutover may begin. */
export function mayCutOver({ stage }: AtStage): boolean {
  return stageRules[stage].mayCutOver;
}

/** Whether its key may be retired. */
export function mayRetire({ stage }: AtStage): boolean {
  return stageRules[stage].mayRetire;
}

/** The stages that a rule holds for, as a question to the store takes them. */
export function stagesWhere(rule: (at: AtStage) => boolean): readonly Stage[] {
  return stages.filter((stage) => rule({ stage }));
}
