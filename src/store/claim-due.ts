import { isKeyshiftError, type KeyshiftError } from '../errors/keyshift-error.ts';
import type { Database } from './database.ts';
import type { GrantMapper } from './grant-row.ts';
import type { Grant } from '../model/grant.ts';

/** What {@link ClaimDue} asks for. */
export interface ClaimRequest {
  readonly clientId: string;
  readonly owner: string;
  readonly nowMs: number;
  readonly leaseExpiresAtMs: number;
  readonly limit: number;
  readonly onUnreadable?: OnUnreadable;
}

/** Told of a grant that is due and does not open; it is left alone for an hour. */
export type OnUnreadable = (accountId: string, error: KeyshiftError) => void;

/** Leases active grants that are due, longest overdue first; no two callers get the same. */
export type ClaimDue = (request: ClaimRequest) => Promise<Grant[]>;

const unreadableMs = 3_600_000;

/**
 * Creates the claim. A row that was damaged, or sealed under a key that this process lacks, holds
 * up none of the others: its lease is given back at once.
 */
export function createClaimDue(database: Database, mapper: GrantMapper): ClaimDue {
  const { kind } = database;

  function claim({ clientId, owner, nowMs, leaseExpiresAtMs, limit }: ClaimRequest) {
    return database.query((db) =>
      db
        .updateTable('grants')
        .set({ lease_owner: owner, lease_expires_at: leaseExpiresAtMs, due_at: leaseExpiresAtMs })
        .where('id', 'in', (eb) => {
          const due = eb
            .selectFrom('grants')
            .select('id')
            .where('client_id', '=', clientId)
            .where('state', '=', 'active')
            .where('due_at', '<=', nowMs)
            .where(({ or, eb: each }) =>
              or([each('lease_owner', 'is', null), each('lease_expires_at', '<=', nowMs)]),
            )
            .orderBy('due_at')
            .limit(limit);
          // Two sweepers at once take different rows; SQLite has one writer anyway.
          return kind === 'postgres' ? due.forUpdate().skipLocked() : due;
        })
        .returningAll(),
    );
  }

  function postpone(ids: readonly string[], owner: string, dueAtMs: number): Promise<unknown> {
    return database.query((db) =>
      db
        .updateTable('grants')
        .set({ lease_owner: null, lease_expires_at: null, due_at: dueAtMs })
        .where('id', 'in', ids)
        .where('lease_owner', '=', owner)
        .returning('id'),
    );
  }

  return async (request) => {
    const { owner, nowMs, limit, onUnreadable } = request;
    const grants: Grant[] = [];
    for (;;) {
      const unreadable: string[] = [];
      for (const row of await claim({ ...request, limit: limit - grants.length })) {
        try {
          grants.push(mapper.toGrant(row));
        } catch (error) {
          if (!isKeyshiftError(error)) throw error;
          onUnreadable?.(row.account_id, error);
          unreadable.push(row.id);
        }
      }
      if (unreadable.length === 0) return grants;
      await postpone(unreadable, owner, nowMs + unreadableMs);
    }
  };
}
