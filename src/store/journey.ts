import type { VerificationCheck } from '../model/verification.ts';
import type { ForeignConsent } from '../model/foreign-consent.ts';
import type { Retirement } from '../model/retirement.ts';
import type { MetricComparisonRecord, MetricSnapshotRecord } from '../model/metric-record.ts';

export interface VerificationStore {
  /** Replaces every earlier result of the connection. */
  replace(connectionId: string, checks: readonly VerificationCheck[]): Promise<void>;
  /** By name. */
  list(connectionId: string): Promise<VerificationCheck[]>;
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

export interface RetirementStore {
  find(connectionId: string): Promise<Retirement | undefined>;
  /** Inserts, or replaces what was known. */
  save(retirement: Retirement): Promise<void>;
}

export interface MetricRecordStore {
  saveSnapshot(snapshot: MetricSnapshotRecord): Promise<void>;
  /** The latest of the connection, taken at or before `atMs` where it is given. */
  latestSnapshot(connectionId: string, atMs?: number): Promise<MetricSnapshotRecord | undefined>;
  /** Replaces the connection's earlier comparison. */
  saveComparison(comparison: MetricComparisonRecord): Promise<void>;
  comparison(connectionId: string): Promise<MetricComparisonRecord | undefined>;
}
