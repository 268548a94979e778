import type { AuthorizationRecord } from '../model/authorization.ts';
import { createRowMapper, parametersFor, type ColumnsOf } from './columns.ts';
import type { Database } from './database.ts';
import type { AuthorizationRow } from './schema.ts';
import { statement, type ParameterOf } from './statement.ts';

/** Attempts to authorize that came back, each once. */
export interface AuthorizationStore {
  /** Keeps an attempt; returns false when its state came back before, so that exactly one wins. */
  consume(attempt: AuthorizationRecord): Promise<boolean>;
  find(stateHash: string): Promise<AuthorizationRecord | undefined>;
  /** Keeps what the browser was shown in the end. */
  finish(stateHash: string, result: string): Promise<void>;
  /** Deletes attempts that expired before `beforeMs`; returns how many. */
  purge(beforeMs: number): Promise<number>;
}

const columns = {
  stateHash: 'state_hash',
  invitationId: 'invitation_id',
  customerId: 'customer_id',
  createdAtMs: 'created_at',
  expiresAtMs: 'expires_at',
  consumedAtMs: 'consumed_at',
  result: 'result',
} as const satisfies ColumnsOf<AuthorizationRecord, AuthorizationRow>;

const mapper = createRowMapper<AuthorizationRecord, AuthorizationRow, typeof columns>(columns);

type Parameters = { [Column in keyof AuthorizationRow]: AuthorizationRow[Column] };

const consume = statement((db, p: ParameterOf<Parameters>) =>
  db
    .insertInto('authorizations')
    .values(parametersFor<AuthorizationRow, keyof AuthorizationRow>(mapper.columns, p))
    .onConflict((conflict) => conflict.column('state_hash').doNothing()),
);

const find = statement((db, p: ParameterOf<{ stateHash: string }>) =>
  db.selectFrom('authorizations').selectAll().where('state_hash', '=', p('stateHash')),
);

const finish = statement((db, p: ParameterOf<{ stateHash: string; result: string }>) =>
  db
    .updateTable('authorizations')
    .set({ result: p('result') })
    .where('state_hash', '=', p('stateHash')),
);

const purge = statement((db, p: ParameterOf<{ before: number }>) =>
  db.deleteFrom('authorizations').where('expires_at', '<', p('before')),
);

/** Keeps attempts that came back. */
export function createAuthorizationStore(database: Database): AuthorizationStore {
  return {
    consume: async (attempt) => (await database.run(consume, mapper.toRow(attempt))) === 1,
    async find(stateHash) {
      const row = await database.first(find, { stateHash });
      return row && mapper.toRecord(row);
    },
    async finish(stateHash, result) {
      await database.run(finish, { stateHash, result });
    },
    purge: (beforeMs) => database.run(purge, { before: beforeMs }),
  };
}
