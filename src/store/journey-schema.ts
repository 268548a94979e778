import type { AttentionReason } from '../model/stages.ts';
import type { CheckVerdict } from '../model/verification.ts';
import type { KeyProof } from '../model/retirement.ts';
import type { MetricVerdict } from '../model/metric-record.ts';

/** `verification_checks`: the latest result of each check of a connection. */
export interface VerificationCheckTable {
  connection_id: string;
  name: string;
  verdict: CheckVerdict;
  reason: AttentionReason | null;
  detail: string;
  checked_at: number;
}

/** `foreign_consents`: whose invitation led to a grant of another account, which is set aside. */
export interface ForeignConsentTable {
  grant_id: string;
  connection_id: string;
  account_id: string;
  account_name: string | null;
  consented_at: number;
  settled_at: number | null;
}

/** `retirements`: how far the end of a private key has come, and what proved it. */
export interface RetirementTable {
  connection_id: string;
  quiet_at: number;
  proof: KeyProof | null;
  detail: string | null;
  proved_at: number | null;
  retired_at: number | null;
}

/** `metric_snapshots`: an account's metrics at one time, as JSON. */
export interface MetricSnapshotTable {
  id: string;
  connection_id: string;
  taken_at: number;
  content: string;
}

/** `metric_comparisons`: the latest comparison of a connection, as JSON. */
export interface MetricComparisonTable {
  connection_id: string;
  compared_at: number;
  verdict: MetricVerdict;
  content: string;
}
