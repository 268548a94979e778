import { sql, type Kysely } from 'kysely';
import type { ErrorCode } from '../errors/error-table.ts';
import { createClaimDue } from './claim-due.ts';
import type { Database } from './database.ts';
import { toFailure, type GrantMapper } from './grant-row.ts';
import type { ParameterOf } from './prepared-statement.ts';
import type { Schema } from './schema.ts';
import type { GrantLeaseStore } from './store.ts';

type LeaseParameters = {
  id: string;
  generation: number;
  owner: string;
  now: number;
  expiresAt: number;
};

function prepareLeaseStatements(database: Database) {
  const acquire = database.prepare((db, p: ParameterOf<LeaseParameters>) =>
    db
      .updateTable('grants')
      .set({
        lease_owner: p('owner'),
        lease_expires_at: p('expiresAt'),
        refresh_intent_at: p('now'),
        // Should this process die, the sweeper finds the grant when the lease has ended.
        due_at: p('expiresAt'),
      })
      .where('id', '=', p('id'))
      .where('generation', '=', p('generation'))
      .where('state', '=', sql.lit('active'))
      .where((eb) =>
        eb.or([
          eb('lease_owner', 'is', null),
          eb('lease_owner', '=', p('owner')),
          eb('lease_expires_at', '<=', p('now')),
        ]),
      )
      .returningAll(),
  );
  const read = database.prepare((db, p: ParameterOf<{ id: string }>) =>
    db
      .selectFrom('grants')
      .select(['state', 'generation', 'lease_owner', 'lease_expires_at'])
      .select(['failed_at', 'failure_code', 'failure_message', 'failure_count', 'retry_at'])
      .where('id', '=', p('id')),
  );
  const release = database.prepare((db, p: ParameterOf<{ id: string; owner: string }>) =>
    db
      .updateTable('grants')
      .set({ lease_owner: null, lease_expires_at: null, refresh_intent_at: null })
      .where('id', '=', p('id'))
      .where('lease_owner', '=', p('owner')),
  );
  const releaseFailed = database.prepare((db, p: ParameterOf<FailureParameters>) =>
    db
      .updateTable('grants')
      .set({
        lease_owner: null,
        lease_expires_at: null,
        failed_at: p('atMs'),
        failure_code: p('code'),
        failure_message: p('message'),
        failure_count: p('count'),
        retry_at: p('retryAtMs'),
        due_at: p('retryAtMs'),
      })
      .where('id', '=', p('id'))
      .where('lease_owner', '=', p('owner')),
  );
  const keep = database.prepare(
    (db, p: ParameterOf<KeepParameters>) =>
      db
        .updateTable('grants')
        .set({ previous_refresh_token: p('sealed'), previous_refresh_index: p('index') })
        .where('id', '=', p('id'))
        .where('generation', '=', p('generation')),
    { durable: true },
  );
  const lose = database.prepare((db, p: ParameterOf<LoseParameters>) =>
    db
      .updateTable('grants')
      .set({ state: 'lost', lease_owner: null, lease_expires_at: null, refresh_intent_at: null })
      .where('id', '=', p('id'))
      .where('generation', '=', p('generation'))
      .where('state', '=', sql.lit('active'))
      .where('lease_owner', '=', p('owner'))
      .where('previous_refresh_index', 'is not distinct from', p('kept')),
  );
  const counts = database.prepare((db, p: ParameterOf<{ clientId: string; before: number }>) =>
    countGrants(db, p),
  );
  return { acquire, read, release, releaseFailed, lose, keep, counts };
}

/** Keeps the leases of grants: who may spend a refresh token, until when, and what came of it. */
export function createGrantLeaseStore(database: Database, mapper: GrantMapper): GrantLeaseStore {
  const { acquire, read, release, releaseFailed, lose, keep, counts } =
    prepareLeaseStatements(database);

  return {
    async acquireLease(id, { generation, owner, nowMs, expiresAtMs }) {
      const row = await acquire.first({
        id,
        generation,
        owner,
        now: nowMs,
        expiresAt: expiresAtMs,
      });
      return row && mapper.toGrant(row);
    },
    async readLease(id) {
      const row = await read.first({ id });
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
        ? await releaseFailed.run({ id, owner, ...failure })
        : await release.run({ id, owner });
      return changed === 1;
    },
    async keepForRecovery(id, generation, refreshToken) {
      const kept = mapper.toKeptColumns(id, refreshToken);
      return (await keep.run({ id, generation, ...kept })) === 1;
    },
    async markLost({ id, generation, previousRefreshToken }, owner) {
      const kept = previousRefreshToken ? mapper.indexOf(previousRefreshToken) : null;
      return (await lose.run({ id, generation, owner, kept })) === 1;
    },
    claimDue: createClaimDue(database, mapper),
    async forecast(clientId, beforeMs) {
      const row = await counts.first({ clientId, before: beforeMs });
      return { grants: row?.grants ?? 0, due: row?.due ?? 0 };
    },
  };
}

type FailureParameters = {
  id: string;
  owner: string;
  code: ErrorCode;
  message: string;
  atMs: number;
  retryAtMs: number;
  count: number;
};

type LoseParameters = { id: string; generation: number; owner: string; kept: string | null };

type KeepParameters = {
  id: string;
  generation: number;
  sealed: ReturnType<GrantMapper['toKeptColumns']>['sealed'];
  index: string;
};

function countGrants(db: Kysely<Schema>, p: ParameterOf<{ clientId: string; before: number }>) {
  return db
    .selectFrom('grants')
    .select((eb) => [
      eb.fn.countAll<number>().as('grants'),
      eb.fn
        .sum<number>(eb.case().when('due_at', '<=', p('before')).then(1).else(0).end())
        .as('due'),
    ])
    .where('client_id', '=', p('clientId'))
    .where('state', '=', sql.lit('active'));
}
