import { sql, type ExpressionBuilder, type Kysely } from 'kysely';
import type { ErrorCode } from '../errors/error-table.ts';
import type { GrantState } from '../model/grant.ts';
import { parametersFor } from './columns.ts';
import { pairColumns, type PairColumns } from './grant-row.ts';
import type { GrantRow, Schema } from './schema.ts';
import type { Sealed } from './sealed.ts';
import { statement, type ParameterOf } from './statement.ts';

type PairParameters = { [Column in keyof PairColumns]: PairColumns[Column] };
type IndexParameters = { clientId: string; index: string };
/** `generation` is the one that the row must still have. */
type GenerationParameters = { id: string; generation: number };
type UpdateParameters = PairParameters & GenerationParameters;
/** `owner` is whose lease does not stand in the way. */
type FencedParameters = UpdateParameters & { owner: string };
type OwnerParameters = { id: string; owner: string };

/** A pair that Klaviyo has given out once is given out to nobody again. */
const durable = { durable: true };

const unleased = { lease_owner: null, lease_expires_at: null } as const;

const unfailed = {
  failed_at: null,
  failure_code: null,
  failure_message: null,
  failure_count: null,
  retry_at: null,
} as const;

export const findById = statement((db, p: ParameterOf<{ id: string }>) =>
  db.selectFrom('grants').selectAll().where('id', '=', p('id')),
);

export const find = statement((db, p: ParameterOf<{ clientId: string; accountId: string }>) =>
  db
    .selectFrom('grants')
    .selectAll()
    .where('client_id', '=', p('clientId'))
    .where('account_id', '=', p('accountId'))
    .where('state', '<>', sql.lit('set_aside')),
);

export const findByCurrent = statement((db, p: ParameterOf<IndexParameters>) =>
  selectByIndex(db, p).where('refresh_index', '=', p('index')),
);

export const findByPrevious = statement((db, p: ParameterOf<IndexParameters>) =>
  selectByIndex(db, p).where('previous_refresh_index', '=', p('index')),
);

export const listUnclaimed = statement((db, p: ParameterOf<{ clientId: string }>) =>
  db
    .selectFrom('grants')
    .leftJoin('connections', 'connections.account_id', 'grants.account_id')
    .select(['grants.account_id as accountId', 'grants.consented_at as consentedAtMs'])
    .where('grants.client_id', '=', p('clientId'))
    .where('grants.state', '=', sql.lit('active'))
    .where('connections.id', 'is', null)
    .orderBy('grants.consented_at')
    .orderBy('grants.account_id'),
);

export const forecast = statement((db, p: ParameterOf<{ clientId: string; before: number }>) =>
  db
    .selectFrom('grants')
    .select((eb) => [
      eb.fn.countAll<number>().as('grants'),
      eb.fn
        .sum<number>(eb.case().when('due_at', '<=', p('before')).then(1).else(0).end())
        .as('due'),
    ])
    .where('client_id', '=', p('clientId'))
    .where('state', '=', sql.lit('active')),
);

export const insert = statement(
  (
    db,
    p: ParameterOf<
      PairParameters & { id: string; client_id: string; account_id: string; state: GrantState }
    >,
  ) =>
    db
      .insertInto('grants')
      .values({
        id: p('id'),
        client_id: p('client_id'),
        account_id: p('account_id'),
        state: p('state'),
        ...parametersFor<GrantRow, keyof PairColumns>(pairColumns, p),
        consented_at: p('obtained_at'),
        generation: 1,
      })
      .onConflict((conflict) =>
        conflict
          .columns(['client_id', 'account_id'])
          .where('state', '<>', sql.lit('set_aside'))
          .doNothing(),
      )
      .returning('state'),
  durable,
);

export const replaceByConsent = statement(
  (db, p: ParameterOf<UpdateParameters>) =>
    updatePair(db, p)
      .set({ state: 'active', consented_at: p('obtained_at') })
      .returning('state'),
  durable,
);

export const replaceByRefresh = statement(
  (db, p: ParameterOf<FencedParameters>) =>
    updatePair(db, p)
      // A holder that came back too late is fenced off.
      .where((eb) => eb.or([eb('lease_owner', 'is', null), eb('lease_owner', '=', p('owner'))]))
      .set((eb) => ({
        // A refresh that succeeds proves the grant alive; what was revoked stays revoked.
        state: eb
          .case()
          .when('state', '=', sql.lit('lost'))
          .then(sql.lit<GrantState>('active'))
          .else(eb.ref('state'))
          .end(),
      }))
      .returning('state'),
  durable,
);

export const markRevoked = statement((db, p: ParameterOf<GenerationParameters>) =>
  db
    .updateTable('grants')
    .set({ state: 'revoked', ...unleased })
    .where('id', '=', p('id'))
    .where('generation', '=', p('generation'))
    .where('state', 'in', ['active', 'lost']),
);

export const acquireLease = statement(
  (db, p: ParameterOf<GenerationParameters & { owner: string; now: number; expiresAt: number }>) =>
    db
      .updateTable('grants')
      .set({
        lease_owner: p('owner'),
        lease_expires_at: p('expiresAt'),
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

export const readLease = statement((db, p: ParameterOf<{ id: string }>) =>
  db
    .selectFrom('grants')
    .select(['state', 'generation', 'lease_owner', 'lease_expires_at'])
    .select(['failed_at', 'failure_code', 'failure_message', 'failure_count', 'retry_at'])
    .where('id', '=', p('id')),
);

export const releaseLease = statement((db, p: ParameterOf<OwnerParameters>) =>
  updateLeased(db, p).set(unleased),
);

export const releaseFailed = statement(
  (
    db,
    p: ParameterOf<
      OwnerParameters & {
        code: ErrorCode;
        message: string;
        atMs: number;
        retryAtMs: number;
        count: number;
      }
    >,
  ) =>
    updateLeased(db, p).set({
      ...unleased,
      failed_at: p('atMs'),
      failure_code: p('code'),
      failure_message: p('message'),
      failure_count: p('count'),
      retry_at: p('retryAtMs'),
      due_at: p('retryAtMs'),
    }),
);

export const markLost = statement(
  (db, p: ParameterOf<GenerationParameters & { owner: string; kept: string | null }>) =>
    updateLeased(db, p)
      .set({ state: 'lost', ...unleased })
      .where('generation', '=', p('generation'))
      .where('state', '=', sql.lit('active'))
      .where('previous_refresh_index', 'is not distinct from', p('kept')),
);

export const keepForRecovery = statement(
  (db, p: ParameterOf<GenerationParameters & { sealed: Sealed; index: string }>) =>
    db
      .updateTable('grants')
      .set({ previous_refresh_token: p('sealed'), previous_refresh_index: p('index') })
      .where('id', '=', p('id'))
      .where('generation', '=', p('generation')),
  durable,
);

function selectByIndex(db: Kysely<Schema>, p: ParameterOf<IndexParameters>) {
  return (
    db
      .selectFrom('grants')
      .selectAll()
      .where('client_id', '=', p('clientId'))
      .where('state', '<>', sql.lit('set_aside'))
      // Not a bound number: SQLite would plan the statement anew at every call.
      .limit(sql.lit(1))
  );
}

function updatePair(db: Kysely<Schema>, p: ParameterOf<UpdateParameters>) {
  return db
    .updateTable('grants')
    .set({
      ...parametersFor<GrantRow, keyof PairColumns>(pairColumns, p),
      ...unleased,
      ...unfailed,
    })
    .set((eb: ExpressionBuilder<Schema, 'grants'>) => ({ generation: eb('generation', '+', 1) }))
    .where('id', '=', p('id'))
    .where('generation', '=', p('generation'));
}

function updateLeased(db: Kysely<Schema>, p: ParameterOf<OwnerParameters>) {
  return db.updateTable('grants').where('id', '=', p('id')).where('lease_owner', '=', p('owner'));
}
