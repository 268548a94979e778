import { isKeyshiftError, KeyshiftError } from '../errors/keyshift-error.ts';
import type { Grant, GrantLease, RefreshFailure, TokenPair } from '../model/grant.ts';
import type { Secret } from '../runtime/secret.ts';
import { claimDue, type Claim } from './claim.ts';
import type { Database } from './database.ts';
import { replacePair, toFailure, type GrantMapper, type PairFields } from './grant-row.ts';
import * as statements from './grant-statements.ts';
import type { GrantRow } from './schema.ts';

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

/** What {@link GrantStore.acquireLease} asks for. */
export interface LeaseRequest {
  /** The generation that is to be replaced. */
  readonly generation: number;
  /** Unique to one attempt. */
  readonly owner: string;
  readonly nowMs: number;
  readonly expiresAtMs: number;
}

/** What {@link GrantStore.claimDue} asks for. */
export interface ClaimRequest extends Claim {
  readonly clientId: string;
  readonly onUnreadable?: OnUnreadable;
}

/** Told of a grant that is due and does not open; it is left alone for an hour. */
export type OnUnreadable = (accountId: string, error: KeyshiftError) => void;

/** How much work lies ahead. */
export interface SweepForecast {
  /** Active grants of the app. */
  readonly grants: number;
  /** Those that fall due in the time asked about. */
  readonly due: number;
}

/** Token pairs, one living grant per app and account, and the leases by which one process at a time refreshes. */
export interface GrantStore {
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
   * Compare-and-set: saves a refreshed pair if the grant still has `generation`, and returns the
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
   * Takes the lease before the refresh token is spent. Returns the grant as it stands;
   * `undefined` when it is not active, has another generation, or is leased to somebody else.
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
   * Marks a grant lost whose lease `owner` holds, as that holder knows it: returns false, and
   * changes nothing, when a newer pair or another kept refresh token is stored by now.
   */
  markLost(grant: Grant, owner: string): Promise<boolean>;
  /**
   * Compare-and-set on the generation: marks an active or lost grant revoked, ends its lease, and
   * returns whether it did.
   */
  markRevoked(id: string, generation: number): Promise<boolean>;
  /** Leases active grants that are due, longest overdue first; no two callers get the same. */
  claimDue(request: ClaimRequest): Promise<Grant[]>;
  /** Counts active grants and those that are due before `beforeMs`. */
  forecast(clientId: string, beforeMs: number): Promise<SweepForecast>;
}

/** Owner of no lease: a writer that passes only where there is none. */
const nobody = '';

/** Each lost race means that another writer saved a pair: so many in a row do not happen. */
const maxConsentAttempts = 100;

/** How long a grant that does not open is left alone. */
const unreadableMs = 3_600_000;

/** Keeps grants, their tokens sealed. */
export function createGrantStore(database: Database, mapper: GrantMapper): GrantStore {
  const writer = createPairWriter(database, mapper);
  const open = (row: GrantRow | undefined): Grant | undefined => row && mapper.toGrant(row);
  const find = async ({ clientId, accountId }: GrantKey) =>
    open(await database.first(statements.find, { clientId, accountId }));
  const findById = async (id: string) => open(await database.first(statements.findById, { id }));

  return {
    findById,
    find,
    async findByRefreshToken(clientId, refreshToken) {
      const wanted = { clientId, index: mapper.indexOf(refreshToken) };
      const current = await database.first(statements.findByCurrent, wanted);
      return open(current ?? (await database.first(statements.findByPrevious, wanted)));
    },
    listUnclaimed: (clientId) => database.all(statements.listUnclaimed, { clientId }),
    async saveConsent(key, pair) {
      for (let attempts = 0; attempts < maxConsentAttempts; attempts += 1) {
        const former = await find(key);
        const saved = former
          ? await writer.replaceByConsent(former, pair)
          : await writer.insert(key, pair, 'active');
        if (saved) return saved;
      }
      throw new KeyshiftError(
        'internal',
        `The grant of account ${key.accountId} could not be saved.`,
      );
    },
    async setAside(key, pair) {
      const saved = await writer.insert(key, pair, 'set_aside');
      if (saved) return saved;
      throw new KeyshiftError('internal', 'A grant could not be set aside.');
    },
    async saveRefreshed(id, generation, pair, owner = nobody) {
      const former = await findById(id);
      if (former?.generation !== generation) return undefined;
      return writer.replaceByRefresh(former, pair, owner);
    },
    async acquireLease(id, { generation, owner, nowMs, expiresAtMs }) {
      const lease = { id, generation, owner, now: nowMs, expiresAt: expiresAtMs };
      return open(await database.first(statements.acquireLease, lease));
    },
    async readLease(id) {
      const row = await database.first(statements.readLease, { id });
      return (
        row && {
          state: row.state,
          generation: row.generation,
          owner: row.lease_owner ?? undefined,
          expiresAtMs: row.lease_expires_at ?? 0,
          failure: toFailure(row),
        }
      );
    },
    async releaseLease(id, owner, failure) {
      const changed = failure
        ? await database.run(statements.releaseFailed, { id, owner, ...failure })
        : await database.run(statements.releaseLease, { id, owner });
      return changed === 1;
    },
    async keepForRecovery(id, generation, refreshToken) {
      const kept = mapper.toKeptColumns(id, refreshToken);
      return (await database.run(statements.keepForRecovery, { id, generation, ...kept })) === 1;
    },
    async markLost({ id, generation, previousRefreshToken }, owner) {
      const kept = previousRefreshToken ? mapper.indexOf(previousRefreshToken) : null;
      return (await database.run(statements.markLost, { id, generation, owner, kept })) === 1;
    },
    markRevoked: async (id, generation) =>
      (await database.run(statements.markRevoked, { id, generation })) === 1,
    claimDue: (request) => claimReadable(database, mapper, request),
    async forecast(clientId, beforeMs) {
      const row = await database.first(statements.forecast, { clientId, before: beforeMs });
      return { grants: row?.grants ?? 0, due: row?.due ?? 0 };
    },
  };
}

/** Each method returns the saved grant, or `undefined` when another writer came first. */
function createPairWriter(database: Database, mapper: GrantMapper) {
  const replacement = (former: Grant, fields: PairFields) => ({
    id: former.id,
    generation: former.generation,
    ...mapper.toColumns(former.id, fields),
  });
  return {
    async insert(
      { id, clientId, accountId }: GrantKey & { readonly id: string },
      pair: TokenPair,
      state: 'active' | 'set_aside',
    ): Promise<Grant | undefined> {
      const fields = replacePair(pair);
      const row = await database.first(statements.insert, {
        id,
        client_id: clientId,
        account_id: accountId,
        state,
        ...mapper.toColumns(id, fields),
      });
      const consentedAtMs = pair.obtainedAtMs;
      return row && { id, clientId, accountId, state, ...fields, consentedAtMs, generation: 1 };
    },
    async replaceByConsent(former: Grant, pair: TokenPair): Promise<Grant | undefined> {
      const fields = replacePair(pair, former);
      const row = await database.first(statements.replaceByConsent, replacement(former, fields));
      if (!row) return undefined;
      const consented = { consentedAtMs: pair.obtainedAtMs, generation: former.generation + 1 };
      return { ...former, ...fields, ...consented, state: row.state, failure: undefined };
    },
    async replaceByRefresh(
      former: Grant,
      pair: TokenPair,
      owner: string,
    ): Promise<Grant | undefined> {
      const fields = replacePair(pair, former);
      const values = { ...replacement(former, fields), owner };
      const row = await database.first(statements.replaceByRefresh, values);
      if (!row) return undefined;
      const generation = former.generation + 1;
      return { ...former, ...fields, state: row.state, generation, failure: undefined };
    },
  };
}

/**
 * Claims what is due. A row that was damaged, or sealed under a key that this process lacks, holds
 * up none of the others: its lease is given back at once.
 */
async function claimReadable(
  database: Database,
  mapper: GrantMapper,
  { clientId, onUnreadable, ...claim }: ClaimRequest,
): Promise<Grant[]> {
  const { owner, nowMs, leaseExpiresAtMs, limit } = claim;
  const grants: Grant[] = [];
  for (;;) {
    const unreadable: string[] = [];
    const rows = await claimDue(
      database,
      'grants',
      { ...claim, limit: limit - grants.length },
      (eb) => eb.and([eb('client_id', '=', clientId), eb('state', '=', 'active')]),
      // Should this process die, the sweeper finds the grant when the lease has ended.
      { due_at: leaseExpiresAtMs },
    );
    for (const row of rows) {
      try {
        grants.push(mapper.toGrant(row));
      } catch (error) {
        if (!isKeyshiftError(error)) throw error;
        onUnreadable?.(row.account_id, error);
        unreadable.push(row.id);
      }
    }
    if (unreadable.length === 0) return grants;
    await database.query((db) =>
      db
        .updateTable('grants')
        .set({ lease_owner: null, lease_expires_at: null, due_at: nowMs + unreadableMs })
        .where('id', 'in', unreadable)
        .where('lease_owner', '=', owner)
        .returning('id'),
    );
  }
}
