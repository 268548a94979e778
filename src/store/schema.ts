import type { ErrorCode } from '../errors/error-table.ts';
import type { ConnectionColumns } from '../model/connection.ts';
import type { GrantState } from '../model/grant.ts';
import type { MessageChannel, MessageKind, OutboxState } from '../model/message.ts';
import type { MetricVerdict } from '../model/metric-record.ts';
import type { KeyProof } from '../model/retirement.ts';
import type { AttentionReason, Stage } from '../model/stages.ts';
import type { TrafficOutcome } from '../model/traffic.ts';
import type { CheckVerdict } from '../model/verification.ts';
import type { Sealed } from './sealed.ts';

/** `connections`: descriptive columns only, so that no write here can touch a secret. */
export interface ConnectionRow {
  id: string;
  customer_id: string;
  account_id: string | null;
  account_name: string | null;
  email: string | null;
  name: string | null;
  stage: Stage;
  attention_reason: AttentionReason | null;
  attention_from: Stage | null;
  route: ConnectionColumns['route'];
  live_since: number | null;
  canary_percent: number | null;
  shadow_percent: number | null;
  watched_since: number | null;
  created_at: number;
  updated_at: number;
  version: number;
}

/** `private_keys`: one row per connection; `sealed_key` is null once the key is destroyed. */
export interface PrivateKeyRow {
  connection_id: string;
  sealed_key: Sealed | null;
  blind_index: string;
  /** The account that Klaviyo named for this key; null until it was asked. */
  account_id: string | null;
  created_at: number;
  last_used_at: number | null;
  destroyed_at: number | null;
}

/** `grants`: token pairs; the lease columns belong to the token engine. */
export interface GrantRow {
  id: string;
  client_id: string;
  account_id: string;
  state: GrantState;
  access_token: Sealed;
  refresh_token: Sealed;
  refresh_index: string;
  previous_refresh_token: Sealed | null;
  previous_refresh_index: string | null;
  scope: string;
  expires_at: number | null;
  obtained_at: number;
  consented_at: number;
  generation: number;
  lease_owner: string | null;
  lease_expires_at: number | null;
  /**
   * When the sweeper takes the grant next. As its pair says (`whenDueMs`); at the end of a lease,
   * in case its holder dies; at the retry after a failure; an hour on when it does not open.
   */
  due_at: number | null;
  failed_at: number | null;
  failure_code: ErrorCode | null;
  failure_message: string | null;
  failure_count: number | null;
  retry_at: number | null;
}

/** `authorizations`: attempts that came back, by the hash of their state. */
export interface AuthorizationRow {
  state_hash: string;
  invitation_id: string | null;
  customer_id: string | null;
  created_at: number;
  expires_at: number;
  consumed_at: number | null;
  result: string | null;
}

/** `invitations`: durable links, by the hash of their token. */
export interface InvitationRow {
  id: string;
  connection_id: string;
  token_hash: string;
  created_at: number;
  expires_at: number;
  opened_at: number | null;
  consumed_at: number | null;
  revoked_at: number | null;
  wave: string | null;
}

/** `connection_labels`: what the integrator's file says of a customer in further columns. */
export interface ConnectionLabelRow {
  connection_id: string;
  name: string;
  value: string;
}

/** `outbox`: messages to customers; the lease columns belong to whoever sends. */
export interface OutboxRow {
  id: string;
  once_key: string;
  connection_id: string;
  invitation_id: string;
  kind: MessageKind;
  channel: MessageChannel;
  recipient: string | null;
  state: OutboxState;
  attempts: number;
  due_at: number;
  created_at: number;
  ended_at: number | null;
  lease_owner: string | null;
  lease_expires_at: number | null;
  detail: string | null;
}

/** `opt_outs`: addresses, in lower case, that want no more mail. */
export interface OptOutRow {
  address: string;
  at: number;
  source: string;
}

/** `audit_events`: append only and chained; `seq` gives the order. */
export interface AuditEventRow {
  seq: number;
  at: number;
  actor: string;
  action: string;
  connection_id: string | null;
  from_stage: Stage | null;
  to_stage: Stage | null;
  reason: string | null;
  /** `salt:…` beside its field, or `digest:…` in the place of one that was erased. */
  actor_proof: string | null;
  connection_proof: string | null;
  reason_proof: string | null;
  /** The hash of the event before this one. */
  prev_hash: string | null;
  /** HMAC over `prev_hash` and the content of this row, as {@link AuditChain} tells. */
  hash: string | null;
}

/** `audit_head`: one row, the recorded end of the audit log, and the lock of its writers. */
export interface AuditHeadRow {
  name: string;
  seq: number;
  hash: string;
  began_at: number;
  earlier_events: number;
  seal: string;
}

/** `vault_state`: what the vault itself must remember, sealed under the keyring. */
export interface VaultStateRow {
  name: string;
  sealed_value: Sealed;
  created_at: number;
}

/** `sweep_turns`: when the sweeper whose turn it is has had it, by OAuth app. */
export interface SweepTurnRow {
  client_id: string;
  ends_at: number;
}

/** `traffic`: calls in buckets of ten minutes. `connection_id` is empty where no customer is known. */
export interface TrafficBucketRow {
  connection_id: string;
  bucket_start: number;
  route: 'key' | 'oauth';
  operation: string;
  status: TrafficOutcome;
  calls: number;
  total_ms: number;
  last_error: string | null;
  last_at: number;
}

/** `switches`: what an operator decided for every connection at once; no row is the normal state. */
export interface SwitchRow {
  name: string;
  value: string;
  changed_at: number;
  actor: string;
}

/** `route_exceptions`: operations with a route of their own. An empty `connection_id` means all. */
export interface RouteExceptionRow {
  connection_id: string;
  operation: string;
  route: 'key' | 'oauth';
  created_at: number;
  actor: string;
}

/** `key_sightings`: who still presents the key of a customer whose traffic is on OAuth. */
export interface KeySightingRow {
  connection_id: string;
  source: string;
  user_agent: string;
  operation: string;
  calls: number;
  first_seen_at: number;
  last_seen_at: number;
}

/** `shadow_results`: how answers by key and by OAuth compared. */
export interface ShadowResultRow {
  connection_id: string;
  operation: string;
  compared: number;
  different: number;
  last_compared_at: number;
  last_different_at: number | null;
  last_difference: string | null;
}

/** `verification_checks`: the latest result of each check of a connection. */
export interface VerificationCheckRow {
  connection_id: string;
  name: string;
  verdict: CheckVerdict;
  reason: AttentionReason | null;
  detail: string;
  checked_at: number;
}

/** `foreign_consents`: whose invitation led to a grant of another account, which is set aside. */
export interface ForeignConsentRow {
  grant_id: string;
  connection_id: string;
  account_id: string;
  account_name: string | null;
  consented_at: number;
  settled_at: number | null;
}

/** `retirements`: how far the end of a private key has come, and what proved it. */
export interface RetirementRow {
  connection_id: string;
  quiet_at: number;
  proof: KeyProof | null;
  detail: string | null;
  proved_at: number | null;
  retired_at: number | null;
}

/** `metric_snapshots`: an account's metrics at one time, as JSON. */
export interface MetricSnapshotRow {
  id: string;
  connection_id: string;
  taken_at: number;
  content: string;
}

/** `metric_comparisons`: the latest comparison of a connection, as JSON. */
export interface MetricComparisonRow {
  connection_id: string;
  compared_at: number;
  verdict: MetricVerdict;
  content: string;
}

/** Every table. Times are integer milliseconds UTC. */
export interface Schema {
  connections: ConnectionRow;
  private_keys: PrivateKeyRow;
  grants: GrantRow;
  authorizations: AuthorizationRow;
  invitations: InvitationRow;
  sweep_turns: SweepTurnRow;
  connection_labels: ConnectionLabelRow;
  outbox: OutboxRow;
  opt_outs: OptOutRow;
  audit_events: AuditEventRow;
  audit_head: AuditHeadRow;
  vault_state: VaultStateRow;
  traffic: TrafficBucketRow;
  switches: SwitchRow;
  route_exceptions: RouteExceptionRow;
  key_sightings: KeySightingRow;
  shadow_results: ShadowResultRow;
  verification_checks: VerificationCheckRow;
  foreign_consents: ForeignConsentRow;
  retirements: RetirementRow;
  metric_snapshots: MetricSnapshotRow;
  metric_comparisons: MetricComparisonRow;
}
