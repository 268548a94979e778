import type { Stage } from './stages.ts';

/** One line of the audit log. Never holds a secret. */
export interface AuditEvent {
  readonly atMs: number;
  /** Who did it: `cli`, `customer`, `system`, `service:<name>`, `console`. */
  readonly actor: string;
  /** What happened, as `noun.verb`: `connection.stage`, `grant.refreshed`. */
  readonly action: string;
  readonly connectionId: string | undefined;
  readonly fromStage: Stage | undefined;
  readonly toStage: Stage | undefined;
  readonly reason: string | undefined;
}

/** An event as it stands in the log, with its links. */
export interface AuditEntry extends AuditEvent {
  /** Its place in the log, growing by one. */
  readonly seq: number;
  /** The hash of the entry before it; absent in an entry that Keyshift did not write. */
  readonly previousHash: string | undefined;
  readonly hash: string | undefined;
}

/** The recorded end of the audit log. */
export interface AuditHead {
  readonly seq: number;
  readonly hash: string;
  /** When the chain began. */
  readonly beganAtMs: number;
  /** Events that were there before, and were chained as they were found. */
  readonly earlierEvents: number;
}

/**
 * How the log differs from what Keyshift wrote.
 * - `changed`: the content of `seq` is not what was written.
 * - `removed`: the entries from `seq` to `lastSeq` are gone.
 * - `inserted`: Keyshift did not write `seq`.
 * - `moved`: `seq` was written as `writtenAs`.
 * - `truncated`: the end is gone, from `seq` to `lastSeq`.
 * - `head`: the recorded end was altered or is missing; entries behind `seq` may be gone.
 */
export type AuditBreak =
  | { readonly kind: 'changed' | 'inserted' | 'head'; readonly seq: number }
  | { readonly kind: 'removed' | 'truncated'; readonly seq: number; readonly lastSeq: number }
  | { readonly kind: 'moved'; readonly seq: number; readonly writtenAs: number };

/** What a walk along the audit log found. */
export interface AuditVerdict {
  /** Entries that were read. */
  readonly entries: number;
  /** Absent when none is recorded. */
  readonly head: AuditHead | undefined;
  /** In order; the first thousand at most. */
  readonly breaks: readonly AuditBreak[];
  /** Every break, those beyond the first thousand included. */
  readonly breakCount: number;
}
