/** Why a message goes out: an invitation, a reminder of it, or its passing on to an administrator. */
export type MessageKind = 'invitation' | 'reminder' | 'hand_over';

/** How it goes out; `export` is a row of a file for the integrator's own mailer. */
export type MessageChannel = 'mail' | 'webhook' | 'export';

/**
 * `waiting` for its time or for a free hand; `sending` since just before the other side was told;
 * `sent`; `failed` for good; `uncertain` when nobody knows whether the other side took it;
 * `cancelled` when it became pointless before it was sent.
 */
export const outboxStates = [
  'waiting',
  'sending',
  'sent',
  'failed',
  'uncertain',
  'cancelled',
] as const;
export type OutboxState = (typeof outboxStates)[number];

/** One message to one customer. Never holds the link: it is made when the message is sent. */
export interface OutboxEntry {
  readonly id: string;
  readonly connectionId: string;
  readonly invitationId: string;
  readonly kind: MessageKind;
  readonly channel: MessageChannel;
  /** The address that it is meant for in the end, by whatever channel. */
  readonly recipient: string | undefined;
  readonly state: OutboxState;
  /** How often sending was begun. */
  readonly attempts: number;
  /** Not to be sent before. */
  readonly dueAtMs: number;
  readonly createdAtMs: number;
  /** When it was sent, given up or cancelled. */
  readonly endedAtMs: number | undefined;
  /** Who holds it at present. */
  readonly leaseOwner: string | undefined;
  readonly leaseExpiresAtMs: number | undefined;
  /** What the other side said, or why it was not sent. */
  readonly detail: string | undefined;
}

/** A message to be queued. */
export interface NewMessage {
  readonly id: string;
  /** Two messages with the same key are one: the second is not queued. */
  readonly onceKey: string;
  readonly connectionId: string;
  readonly invitationId: string;
  readonly kind: MessageKind;
  readonly channel: MessageChannel;
  readonly recipient: string | undefined;
  readonly dueAtMs: number;
  readonly createdAtMs: number;
  /** `sent` for what is recorded after the fact; `waiting` by default. */
  readonly state?: 'waiting' | 'sent';
}

/** How the sending of one message came out. */
export type SendOutcome =
  | { readonly state: 'sent'; readonly atMs: number; readonly detail?: string }
  | {
      readonly state: 'failed' | 'uncertain' | 'cancelled';
      readonly atMs: number;
      readonly detail: string;
    }
  | { readonly state: 'waiting'; readonly dueAtMs: number; readonly detail: string };

/** What one customer was told, for reports: who was told when, reminded how often, and opened it. */
export interface ContactRecord {
  readonly connectionId: string;
  /** When the first message was sent, by whatever channel. */
  readonly firstToldAtMs: number | undefined;
  readonly lastToldAtMs: number | undefined;
  readonly reminders: number;
  /** When a person first opened the link. */
  readonly openedAtMs: number | undefined;
}
