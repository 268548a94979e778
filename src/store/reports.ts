import type { AttentionReason, Stage } from '../model/stages.ts';

/** How long connections stayed at a stage before they left it. */
export interface StageTime {
  readonly stage: Stage;
  /** Stays that have ended. */
  readonly stays: number;
  /** Half of the stays ended within this, nine in ten within the other. */
  readonly p50Ms: number;
  readonly p90Ms: number;
}

/** Connections that need a person for one reason. */
export interface FailureCount {
  readonly reason: AttentionReason;
  readonly count: number;
  /** When the one that waits longest was last changed. */
  readonly oldestMs: number;
}

/** A customer who has a link and has not consented. */
export interface Unanswered {
  readonly connectionId: string;
  readonly customerId: string;
  readonly name: string | undefined;
  readonly invitedAtMs: number;
  /** Of the link that lives longest. */
  readonly expiresAtMs: number;
}

/** Consents on one day, UTC. */
export interface DayCount {
  readonly dayStartMs: number;
  readonly count: number;
}

/** The questions of reports, answered by the database over all connections at once. */
export interface ReportStore {
  /** Connections by the farthest stage that each has ever come to. */
  countByFarthest(): Promise<ReadonlyMap<Stage, number>>;
  /** In the order of the journey. */
  timeInStage(): Promise<StageTime[]>;
  /** Most first. */
  failures(): Promise<FailureCount[]>;
  /** First consents of connections by day, earliest first. */
  consentsByDay(): Promise<DayCount[]>;
  /** Those who were invited first come first. */
  unanswered(limit: number): Promise<Unanswered[]>;
}
