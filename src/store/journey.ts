import type { AttentionReason } from './records.ts';

/**
 * `unclear` when Klaviyo gave no answer, so that it has to be asked again; `skipped` when there is
 * no simple read to try, or its answer was about something else than permission.
 */
export type CheckVerdict = 'passed' | 'failed' | 'unclear' | 'skipped';

/** The result of one check of a consent. */
export interface VerificationCheck {
  /** `scopes`, `account`, or `read <scope>`. */
  readonly name: string;
  readonly verdict: CheckVerdict;
  /** Set on `failed`: what the connection needs attention for. */
  readonly reason: AttentionReason | undefined;
  /** What was found, in words. Never holds a secret. */
  readonly detail: string;
  readonly atMs: number;
}

export interface VerificationStore {
  /** Replaces every earlier result of the connection. */
  replace(connectionId: string, checks: readonly VerificationCheck[]): Promise<void>;
  /** By name. */
  list(connectionId: string): Promise<VerificationCheck[]>;
}

/** A consent to another account than the connection's. Its grant is set aside. */
export interface ForeignConsent {
  readonly grantId: string;
  readonly connectionId: string;
  readonly accountId: string;
  readonly accountName: string | undefined;
  readonly consentedAtMs: number;
  /** When its grant began to serve its account: by an operator's word, or in place of a lost one. */
  readonly settledAtMs: number | undefined;
}

export interface ForeignConsentStore {
  insert(consent: Omit<ForeignConsent, 'settledAtMs'>): Promise<void>;
  /** Of one connection, newest first. */
  listByConnection(connectionId: string): Promise<ForeignConsent[]>;
  /** With one account, newest first. */
  listByAccount(accountId: string): Promise<ForeignConsent[]>;
  /** Its grant serves the account from now on; a second time changes nothing. */
  settle(grantId: string, atMs: number): Promise<void>;
}

/**
 * Why a sealed key could be destroyed: Klaviyo refused it, Klaviyo says it is disabled, or a
 * person took the responsibility.
 */
export type KeyProof = 'refused' | 'disabled' | 'none';

/** How far the end of a private key has come. */
export interface Retirement {
  readonly connectionId: string;
  /** When the connection became `quiet`. */
  readonly quietAtMs: number;
  readonly proof: KeyProof | undefined;
  readonly detail: string | undefined;
  readonly provedAtMs: number | undefined;
  readonly retiredAtMs: number | undefined;
}

export interface RetirementStore {
  find(connectionId: string): Promise<Retirement | undefined>;
  /** Inserts, or replaces what was known. */
  save(retirement: Retirement): Promise<void>;
}

/** What became of a customer's metrics, or of one of them. */
export type MetricVerdict = 'continuous' | 'branded' | 'duplicated' | 'missing';

/** A snapshot as it is stored. */
export interface MetricSnapshotRecord {
  readonly id: string;
  readonly connectionId: string;
  readonly takenAtMs: number;
  /** JSON. */
  readonly content: string;
}

/** A comparison as it is stored. */
export interface MetricComparisonRecord {
  readonly connectionId: string;
  readonly comparedAtMs: number;
  readonly verdict: MetricVerdict;
  /** JSON. */
  readonly content: string;
}

export interface MetricRecordStore {
  saveSnapshot(snapshot: MetricSnapshotRecord): Promise<void>;
  /** The latest of the connection, taken at or before `atMs` where it is given. */
  latestSnapshot(connectionId: string, atMs?: number): Promise<MetricSnapshotRecord | undefined>;
  /** Replaces the connection's earlier comparison. */
  saveComparison(comparison: MetricComparisonRecord): Promise<void>;
  comparison(connectionId: string): Promise<MetricComparisonRecord | undefined>;
}
