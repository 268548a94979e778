import type { Authorization } from '../model/authorization.ts';
import { Secret } from '../runtime/secret.ts';
import { createRowMapper, parametersFor, type ColumnsOf } from './columns.ts';
import type { Database } from './database.ts';
import type { AuthorizationRow } from './schema.ts';
import type { Sealer } from './sealer.ts';
import { statement, type ParameterOf } from './statement.ts';

/** Attempts to authorize: minutes each, single use. */
export interface AuthorizationStore {
  /** Rejects when the state is taken. */
  insert(authorization: Authorization): Promise<void>;
  find(stateHash: string): Promise<Authorization | undefined>;
  /** Marks as used; returns false when it already was, so that exactly one caller wins. */
  consume(stateHash: string, atMs: number): Promise<boolean>;
  /** Deletes attempts that expired before `beforeMs`; returns how many. */
  purge(beforeMs: number): Promise<number>;
}

/** All but the verifier, which is sealed. */
type PlainFields = Omit<Authorization, 'codeVerifier'>;

const columns = {
  stateHash: 'state_hash',
  nonceHash: 'nonce_hash',
  redirectUri: 'redirect_uri',
  scope: 'scope',
  invitationId: 'invitation_id',
  customerId: 'customer_id',
  createdAtMs: 'created_at',
  expiresAtMs: 'expires_at',
  consumedAtMs: 'consumed_at',
} as const satisfies ColumnsOf<PlainFields, AuthorizationRow>;

const mapper = createRowMapper<PlainFields, AuthorizationRow, typeof columns>(columns);

type Parameters = { [Column in keyof AuthorizationRow]: AuthorizationRow[Column] };

const insert = statement((db, p: ParameterOf<Parameters>) =>
  db
    .insertInto('authorizations')
    .values(
      parametersFor<AuthorizationRow, keyof AuthorizationRow>(
        [...mapper.columns, 'code_verifier'],
        p,
      ),
    ),
);

const find = statement((db, p: ParameterOf<{ stateHash: string }>) =>
  db.selectFrom('authorizations').selectAll().where('state_hash', '=', p('stateHash')),
);

const consume = statement((db, p: ParameterOf<{ stateHash: string; at: number }>) =>
  db
    .updateTable('authorizations')
    .set({ consumed_at: p('at') })
    .where('state_hash', '=', p('stateHash'))
    .where('consumed_at', 'is', null),
);

const purge = statement((db, p: ParameterOf<{ before: number }>) =>
  db.deleteFrom('authorizations').where('expires_at', '<', p('before')),
);

/** Keeps attempts to authorize, their verifiers sealed. */
export function createAuthorizationStore(database: Database, sealer: Sealer): AuthorizationStore {
  return {
    async insert(authorization) {
      const { stateHash, codeVerifier } = authorization;
      await database.run(insert, {
        ...mapper.toRow(authorization),
        code_verifier: sealer.seal('codeVerifier', stateHash, codeVerifier.reveal()),
      });
    },
    async find(stateHash) {
      const row = await database.first(find, { stateHash });
      if (!row) return undefined;
      const verifier = sealer.open('codeVerifier', stateHash, row.code_verifier);
      return { ...mapper.toRecord(row), codeVerifier: new Secret('code_verifier', verifier) };
    },
    consume: async (stateHash, atMs) =>
      (await database.run(consume, { stateHash, at: atMs })) === 1,
    purge: (beforeMs) => database.run(purge, { before: beforeMs }),
  };
}
