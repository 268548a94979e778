import type { Secret } from '../runtime/secret.ts';
import type { ClaimDue } from './claim-due.ts';
import type { AuditEntry, AuditEvent, AuditHead, AuditVerdict } from '../model/audit.ts';
import type {
  Connection,
  ConnectionChange,
  ConnectionColumns,
  NewConnection,
} from '../model/connection.ts';
import type { Grant, GrantLease, RefreshFailure, TokenPair } from '../model/grant.ts';
import type { Invitation } from '../model/invitation.ts';
import type { PrivateKeyInfo } from '../model/private-key.ts';
import type { Stage, AttentionReason } from '../model/stages.ts';
import type { AuthorizationStore } from './authorization-store.ts';
import type {
  ForeignConsentStore,
  MetricRecordStore,
  RetirementStore,
  VerificationStore,
} from './journey.ts';
import type { KeySightingStore } from './key-sighting-store.ts';
import type { RouteExceptionStore } from './route-exception-store.ts';
import type { ShadowStore } from './shadow-store.ts';
import type { SweepTurnStore } from './sweep-turn-store.ts';
import type { SwitchStore } from './switch-store.ts';
import type { ReportStore } from './reports.ts';
import type { TrafficStore } from './traffic.ts';
import type { Labels } from '../model/labels.ts';
import type { LabelStore, OptOutStore, OutboxStore } from './outreach.ts';

/**
 * Everything Keyshift remembers, on SQLite or PostgreSQL. Secrets go in and come out as
 * {@link Secret}; what lies in the database is sealed.
 *
 * Every method throws `database_unavailable` when the database cannot be used, and `seal_invalid`
 * when a sealed value does not open.
 */
export interface Store {
  readonly connections: ConnectionStore;
  readonly privateKeys: PrivateKeyStore;
  readonly grants: GrantStore;
  readonly sweepTurns: SweepTurnStore;
  readonly authorizations: AuthorizationStore;
  readonly invitations: InvitationStore;
  readonly labels: LabelStore;
  readonly outbox: OutboxStore;
  readonly optOuts: OptOutStore;
  readonly audit: AuditStore;
  readonly traffic: TrafficStore;
  readonly switches: SwitchStore;
  readonly verifications: VerificationStore;
  readonly foreignConsents: ForeignConsentStore;
  readonly retirements: RetirementStore;
  readonly metricRecords: MetricRecordStore;
  readonly routeExceptions: RouteExceptionStore;
  readonly keySightings: KeySightingStore;
  readonly shadow: ShadowStore;
  readonly reports: ReportStore;
  /**
   * Runs `work` in one transaction: all of its writes or none. Keep it short and never wait for
   * the network inside. A nested call joins the outer transaction, and so does every call that
   * `work` makes on either store object. On PostgreSQL `work` runs again when the database ended
   * it in favour of another transaction: it must have no effects besides its writes.
   */
  transaction<Result>(work: (store: Store) => Promise<Result>): Promise<Result>;
  /** Nothing was written between two equal answers; undefined where that is not cheap to know. */
  version(): string | undefined;
  /** Resolves when the database answers; throws `database_unavailable` otherwise. */
  ping(): Promise<void>;
  /** Releases the database. Further calls throw. */
  close(): Promise<void>;
}

export interface ConnectionFilter {
  readonly stages?: readonly Stage[];
  readonly customerId?: string;
  readonly accountId?: string;
  /** Bears every one of these labels. */
  readonly labels?: Labels;
  /** Was invited in this wave. */
  readonly wave?: string;
  /** Starts behind this customer: where an earlier page ended. */
  readonly afterCustomerId?: string;
}

export interface StageCount {
  readonly stage: Stage;
  readonly attentionReason: AttentionReason | undefined;
  readonly route: ConnectionColumns['route'];
  readonly count: number;
}

export interface ConnectionStore {
  /**
   * Inserts at version 1. The returned connection has no key, as long as none is put. Throws `stage_conflict` when the
   * customer already has a connection.
   */
  insert(connection: NewConnection): Promise<Connection>;
  findById(id: string): Promise<Connection | undefined>;
  findByCustomer(customerId: string): Promise<Connection | undefined>;
  /** In order of creation. */
  listByAccount(accountId: string): Promise<Connection[]>;
  /** Every match, ordered by the bytes of the customer id, read in pages so that memory stays flat. */
  list(filter?: ConnectionFilter): AsyncIterable<Connection>;
  countByStage(): Promise<StageCount[]>;
  /**
   * Compare-and-set: writes only if the row still has the version of `connection`, and answers
   * the new row. Throws `ConnectionChangedError` (`stage_conflict`) when another writer came first.
   */
  update(connection: Connection, change: ConnectionChange, atMs: number): Promise<Connection>;
}

export interface PrivateKeyStore {
  /**
   * Seals and stores the key, replacing any earlier one of the connection and what was known of
   * it. Throws `connection_not_found` when there is no such connection.
   */
  put(connectionId: string, key: Secret<'private_key'>, atMs: number): Promise<void>;
  /** Opens the key; `undefined` when there is none or it was destroyed. */
  open(connectionId: string): Promise<Secret<'private_key'> | undefined>;
  info(connectionId: string): Promise<PrivateKeyInfo | undefined>;
  /** Connections that hold or held this key, by blind index, in order of creation. */
  findConnectionIds(key: Secret<'private_key'>, limit?: number): Promise<string[]>;
  /** Whether this is the connection's key, also when its sealed value was destroyed. */
  matches(connectionId: string, key: Secret<'private_key'>): Promise<boolean>;
  /** Records use, at most forward in time; also of a destroyed key, which may still name a caller. */
  markUsed(connectionId: string, atMs: number): Promise<void>;
  /** Destroys the sealed key for good and keeps its blind index. */
  destroy(connectionId: string, atMs: number): Promise<void>;
  /** Clears the blind index of a destroyed key: it names nobody any more. Answers whether it did. */
  forget(connectionId: string): Promise<boolean>;
}

/** Who a grant belongs to. */
export interface GrantKey {
  readonly clientId: string;
  readonly accountId: string;
}

/** A living grant that serves no customer yet. */
export interface UnclaimedGrant {
  readonly accountId: string;
  readonly consentedAtMs: number;
}

/** What {@link GrantLeaseStore.acquireLease} asks for. */
export interface LeaseRequest {
  /** The generation that is to be replaced. */
  readonly generation: number;
  /** Unique to one attempt. */
  readonly owner: string;
  readonly nowMs: number;
  readonly expiresAtMs: number;
}

/** How much work lies ahead. */
export interface SweepForecast {
  /** Active grants of the app. */
  readonly grants: number;
  /** Those that fall due in the time asked about. */
  readonly due: number;
}

/** Leases on grants: one process at a time spends a refresh token. */
export interface GrantLeaseStore {
  /**
   * Takes the lease and writes the intent to spend the refresh token, both or neither. Answers
   * the grant as it stands; `undefined` when it is not active, has another generation, or is
   * leased to somebody else.
   */
  acquireLease(id: string, request: LeaseRequest): Promise<Grant | undefined>;
  /** What can be told of a refresh without opening the tokens. */
  readLease(id: string): Promise<GrantLease | undefined>;
  /** Gives the lease back if `owner` still holds it, with the failure to tell to those who wait. */
  releaseLease(id: string, owner: string, failure?: RefreshFailure): Promise<boolean>;
  /**
   * Keeps the refresh token of a holder that came too late, as the previous one, unless a newer
   * pair is stored: the provider may honour no other.
   */
  keepForRecovery(
    id: string,
    generation: number,
    refreshToken: Secret<'refresh_token'>,
  ): Promise<boolean>;
  /**
   * Marks a grant lost whose lease `owner` holds, as that holder knows it: answers false, and
   * changes nothing, when a newer pair or another kept refresh token is stored by now.
   */
  markLost(grant: Grant, owner: string): Promise<boolean>;
  readonly claimDue: ClaimDue;
  /** Counts active grants and those that are due before `beforeMs`. */
  forecast(clientId: string, beforeMs: number): Promise<SweepForecast>;
}

export interface GrantStore extends GrantLeaseStore {
  findById(id: string): Promise<Grant | undefined>;
  /** Active grants of accounts that no connection has: installs by Klaviyo's own button. */
  listUnclaimed(clientId: string): Promise<UnclaimedGrant[]>;
  /** The one grant of (client, account) that is not set aside, whatever its state. */
  find(key: GrantKey): Promise<Grant | undefined>;
  /**
   * By blind index over the current and the previous refresh token; set-aside grants excluded.
   * Whoever holds the token now comes before whoever held it before.
   */
  findByRefreshToken(
    clientId: string,
    refreshToken: Secret<'refresh_token'>,
  ): Promise<Grant | undefined>;
  /**
   * Saves what a consent gave: inserts, or replaces the pair of the existing grant in place with
   * the next generation, `active` again, the former refresh token kept as the previous one.
   */
  saveConsent(key: GrantKey & { readonly id: string }, pair: TokenPair): Promise<Grant>;
  /** Keeps a pair that must serve nothing (consent by another account than the connection's). */
  setAside(key: GrantKey & { readonly id: string }, pair: TokenPair): Promise<Grant>;
  /**
   * Compare-and-set: saves a refreshed pair if the grant still has `generation`, and answers the
   * new row with the lease given back; `undefined` when a newer generation is stored or the
   * lease is somebody else's than `owner`'s. A lost grant becomes active again, a revoked or
   * set-aside one stays what it is.
   */
  saveRefreshed(
    id: string,
    generation: number,
    pair: TokenPair,
    owner?: string,
  ): Promise<Grant | undefined>;
  /**
   * Compare-and-set on the generation, for `lost` also on the lease as in
   * {@link GrantStore.saveRefreshed}; ends the lease and answers whether it was changed. Only an
   * active grant can be lost, only an active or lost one revoked.
   */
  markState(
    id: string,
    generation: number,
    state: 'lost' | 'revoked',
    owner?: string,
  ): Promise<boolean>;
}

export interface InvitationStore {
  /** Throws `connection_not_found` when there is no such connection; rejects when the token is taken. */
  insert(invitation: Invitation): Promise<void>;
  findById(id: string): Promise<Invitation | undefined>;
  findByTokenHash(tokenHash: string): Promise<Invitation | undefined>;
  /** Of one connection, newest first. */
  listByConnection(connectionId: string): Promise<Invitation[]>;
  /** Records the first opening; later ones change nothing. */
  markOpened(id: string, atMs: number): Promise<void>;
  /** Ends every open invitation of the connection, after success. */
  consumeByConnection(connectionId: string, atMs: number): Promise<void>;
  /** Ends one invitation that was not consumed; a second time changes nothing. */
  revoke(id: string, atMs: number): Promise<void>;
}

export interface AuditFilter {
  readonly connectionId?: string;
  /** Starts behind this entry. */
  readonly afterSeq?: number;
  /** Newest first, instead of oldest first. */
  readonly newestFirst?: boolean;
}

export interface AuditStore {
  /**
   * Adds an event to the log. In a transaction it is written when the work is done, as the last
   * thing before the commit, so that writers wait for each other as shortly as possible.
   */
  append(event: AuditEvent): Promise<void>;
  /** Events of one connection, oldest first. */
  listByConnection(connectionId: string): Promise<AuditEvent[]>;
  /** Every match with its links, read in pages so that memory stays flat. */
  list(filter?: AuditFilter): AsyncIterable<AuditEntry>;
  /** The recorded end of the log; absent when somebody removed it. */
  head(): Promise<AuditHead | undefined>;
  /**
   * Proves the log: walks along it and names every difference from what Keyshift wrote. Writers
   * may go on meanwhile. `onProgress` hears how many entries were read.
   */
  verify(onProgress?: (entries: number) => void): Promise<AuditVerdict>;
}
