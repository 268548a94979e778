import type { Labels } from '../model/labels.ts';
import type {
  ContactRecord,
  MessageChannel,
  MessageKind,
  NewMessage,
  OutboxEntry,
  OutboxState,
  SendOutcome,
} from '../model/message.ts';
import type { Connection } from '../model/connection.ts';

/** Groups customers: cohorts, languages, time zones, whatever the integrator knows of them. */
export interface LabelStore {
  /** Adds labels or replaces their values; an empty value removes one. Answers whether any changed. */
  put(connectionId: string, labels: Labels): Promise<boolean>;
  /** Of one connection, by name. */
  of(connectionId: string): Promise<Labels>;
  /** How many connections bear each value of a label, most first; what cohorts there are. */
  count(name: string): Promise<{ readonly value: string; readonly count: number }[]>;
}

/** Who takes messages, and until when. */
export interface OutboxClaim {
  readonly owner: string;
  readonly nowMs: number;
  readonly leaseExpiresAtMs: number;
  readonly limit: number;
  readonly channels: readonly MessageChannel[];
}

export interface OutboxFilter {
  readonly states?: readonly OutboxState[];
  readonly kinds?: readonly MessageKind[];
  readonly connectionId?: string;
  readonly invitationId?: string;
  /** Created at this time or later. */
  readonly sinceMs?: number;
}

export interface OutboxCount {
  readonly kind: MessageKind;
  readonly channel: MessageChannel;
  readonly state: OutboxState;
  readonly count: number;
}

/**
 * Messages to customers, each a row that outlives a crash: claimed with a lease, marked before the
 * other side is told, and ended with what it said. What was marked and not ended is `uncertain`.
 */
export interface OutboxStore {
  /** Answers false, and queues nothing, when its key is taken. */
  add(message: NewMessage): Promise<boolean>;
  findById(id: string): Promise<OutboxEntry | undefined>;
  /** Leases messages that wait and are due, longest due first; no two callers get the same. */
  claim(claim: OutboxClaim): Promise<OutboxEntry[]>;
  /** Marks a message just before it is sent; false when `owner` does not hold it any more. */
  begin(id: string, owner: string, leaseExpiresAtMs: number): Promise<boolean>;
  /** Ends what `owner` began or claimed; false when somebody else decided on it meanwhile. */
  finish(id: string, owner: string, outcome: SendOutcome): Promise<boolean>;
  /** Gives back what `owner` claimed and did not begin. */
  release(owner: string): Promise<void>;
  /** Owners that hold anything at present, for finding those that died. */
  listOwners(): Promise<string[]>;
  /**
   * Takes over from those who let their lease run out before `nowMs`, and from the owners that are
   * known to be dead: what was not begun waits again, a mail that was is `uncertain`, anything
   * else, which its receiver recognises by its id, is sent again. Answers how many are uncertain.
   */
  takeOver(nowMs: number, deadOwners: readonly string[]): Promise<number>;
  /** In order of creation, read in pages so that memory stays flat. */
  list(filter?: OutboxFilter): AsyncIterable<OutboxEntry>;
  count(filter?: OutboxFilter): Promise<number>;
  countByState(): Promise<OutboxCount[]>;
  /** Lets a failed or uncertain message be sent once more, under the same id; false for any other. */
  resend(id: string, atMs: number): Promise<boolean>;
  /** Cancels what still waits for an invitation; answers how many. */
  cancelByInvitation(invitationId: string, atMs: number, detail: string): Promise<number>;
  /** When the earliest waiting message falls due. */
  nextDueMs(): Promise<number | undefined>;
  /** What each connection was told, ordered by id, in pages; for reports. */
  listContacts(): AsyncIterable<ContactRecord>;
  contactOf(connection: Pick<Connection, 'id'>): Promise<ContactRecord>;
}

/** Addresses that asked for no more mail. */
export interface OptOutStore {
  /** Records the first wish; later ones change nothing. Case does not matter. */
  add(address: string, atMs: number, source: string): Promise<void>;
  has(address: string): Promise<boolean>;
  count(): Promise<number>;
}
