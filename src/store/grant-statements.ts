import { sql, type ExpressionBuilder, type Kysely } from 'kysely';
import type { Database } from './database.ts';
import type { PairColumns } from './grant-row.ts';
import type { ParameterOf } from './prepared-statement.ts';
import type { GrantState } from '../model/grant.ts';
import type { Schema } from './schema.ts';

type PairParameters = { [Column in keyof PairColumns]: PairColumns[Column] };
type IndexParameters = { clientId: string; index: string };
type InsertParameters = PairParameters & {
  id: string;
  client_id: string;
  account_id: string;
  state: GrantState;
};
/** `generation` is the one that the row must still have. */
type UpdateParameters = PairParameters & { id: string; generation: number };
type GenerationParameters = { id: string; generation: number };
/** `owner` is whose lease does not stand in the way. */
type FencedParameters = GenerationParameters & { owner: string };

/** Prepares the statements that read grants. */
export function prepareGrantReads(database: Database) {
  const findById = database.prepare((db, p: ParameterOf<{ id: string }>) =>
    db.selectFrom('grants').selectAll().where('id', '=', p('id')),
  );
  const find = database.prepare((db, p: ParameterOf<{ clientId: string; accountId: string }>) =>
    db
      .selectFrom('grants')
      .selectAll()
      .where('client_id', '=', p('clientId'))
      .where('account_id', '=', p('accountId'))
      .where('state', '<>', sql.lit('set_aside')),
  );
  const findByCurrent = database.prepare((db, p: ParameterOf<IndexParameters>) =>
    selectByIndex(db, p).where('refresh_index', '=', p('index')),
  );
  const findByPrevious = database.prepare((db, p: ParameterOf<IndexParameters>) =>
    selectByIndex(db, p).where('previous_refresh_index', '=', p('index')),
  );
  return { findById, find, findByCurrent, findByPrevious };
}

/** Prepares the statements that write grants. */
export function prepareGrantWrites(database: Database) {
  // A pair that Klaviyo has given out once is given out to nobody again.
  const durable = { durable: true };
  const insert = database.prepare(
    (db, p: ParameterOf<InsertParameters>) =>
      db
        .insertInto('grants')
        .values({
          id: p('id'),
          client_id: p('client_id'),
          account_id: p('account_id'),
          state: p('state'),
          ...pairValues(p),
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
  const replaceByConsent = database.prepare(
    (db, p: ParameterOf<UpdateParameters>) =>
      updatePair(db, p)
        .set({ state: 'active', consented_at: p('obtained_at') })
        .returning('state'),
    durable,
  );
  const replaceByRefresh = database.prepare(
    (db, p: ParameterOf<UpdateParameters & FencedParameters>) =>
      updatePair(db, p)
        .where(isUnleased(p))
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
  const markLost = database.prepare((db, p: ParameterOf<FencedParameters>) =>
    updateState(db, p, 'lost', ['active']).where(isUnleased(p)),
  );
  const markRevoked = database.prepare((db, p: ParameterOf<GenerationParameters>) =>
    updateState(db, p, 'revoked', ['active', 'lost']),
  );
  return { insert, replaceByConsent, replaceByRefresh, markLost, markRevoked };
}

const unleased = { lease_owner: null, lease_expires_at: null, refresh_intent_at: null } as const;
const unfailed = {
  failed_at: null,
  failure_code: null,
  failure_message: null,
  failure_count: null,
  retry_at: null,
} as const;

/** Whether the lease is free or the writer's own: a holder that came back too late is fenced off. */
function isUnleased(p: ParameterOf<FencedParameters>) {
  return (eb: ExpressionBuilder<Schema, 'grants'>) =>
    eb.or([eb('lease_owner', 'is', null), eb('lease_owner', '=', p('owner'))]);
}

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

function pairValues(p: ParameterOf<PairParameters>): PairColumns {
  return {
    access_token: p('access_token'),
    refresh_token: p('refresh_token'),
    refresh_index: p('refresh_index'),
    previous_refresh_token: p('previous_refresh_token'),
    previous_refresh_index: p('previous_refresh_index'),
    scope: p('scope'),
    expires_at: p('expires_at'),
    obtained_at: p('obtained_at'),
    due_at: p('due_at'),
  };
}

function updatePair(db: Kysely<Schema>, p: ParameterOf<UpdateParameters>) {
  return db
    .updateTable('grants')
    .set({ ...pairValues(p), ...unleased, ...unfailed })
    .set((eb) => ({ generation: eb('generation', '+', 1) }))
    .where('id', '=', p('id'))
    .where('generation', '=', p('generation'));
}

function updateState(
  db: Kysely<Schema>,
  p: ParameterOf<GenerationParameters>,
  to: GrantState,
  from: readonly GrantState[],
) {
  return db
    .updateTable('grants')
    .set({ state: to, ...unleased })
    .where('id', '=', p('id'))
    .where('generation', '=', p('generation'))
    .where('state', 'in', from);
}
