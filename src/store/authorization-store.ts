import { Secret } from '../runtime/secret.ts';
import type { Database } from './database.ts';
import type { ParameterOf } from './prepared-statement.ts';
import type { Authorization } from '../model/authorization.ts';
import type { AuthorizationRow } from './schema.ts';
import type { Sealer } from './sealer.ts';

/** Attempts to authorize: minutes each, single use. */
export interface AuthorizationStore {
  /** Rejects when the state is taken. */
  insert(authorization: Authorization): Promise<void>;
  find(stateHash: string): Promise<Authorization | undefined>;
  /** Marks as used; answers false when it already was, so that exactly one caller wins. */
  consume(stateHash: string, atMs: number): Promise<boolean>;
  /** Deletes attempts that expired before `beforeMs`; answers how many. */
  purge(beforeMs: number): Promise<number>;
}

type InsertParameters = { [Column in keyof AuthorizationRow]: AuthorizationRow[Column] };

/** Keeps attempts to authorize, their verifiers sealed. */
export function createAuthorizationStore(database: Database, sealer: Sealer): AuthorizationStore {
  const insert = database.prepare((db, p: ParameterOf<InsertParameters>) =>
    db.insertInto('authorizations').values({
      state_hash: p('state_hash'),
      nonce_hash: p('nonce_hash'),
      code_verifier: p('code_verifier'),
      redirect_uri: p('redirect_uri'),
      scope: p('scope'),
      invitation_id: p('invitation_id'),
      customer_id: p('customer_id'),
      created_at: p('created_at'),
      expires_at: p('expires_at'),
      consumed_at: p('consumed_at'),
    }),
  );
  const find = database.prepare((db, p: ParameterOf<{ stateHash: string }>) =>
    db.selectFrom('authorizations').selectAll().where('state_hash', '=', p('stateHash')),
  );
  const consume = database.prepare((db, p: ParameterOf<{ stateHash: string; at: number }>) =>
    db
      .updateTable('authorizations')
      .set({ consumed_at: p('at') })
      .where('state_hash', '=', p('stateHash'))
      .where('consumed_at', 'is', null),
  );
  const purge = database.prepare((db, p: ParameterOf<{ before: number }>) =>
    db.deleteFrom('authorizations').where('expires_at', '<', p('before')),
  );

  return {
    async insert(authorization) {
      await insert.run(toRow(authorization, sealer));
    },
    async find(stateHash) {
      const row = await find.first({ stateHash });
      return row && toAuthorization(row, sealer);
    },
    consume: async (stateHash, atMs) => (await consume.run({ stateHash, at: atMs })) === 1,
    purge: (beforeMs) => purge.run({ before: beforeMs }),
  };
}

function toRow(authorization: Authorization, sealer: Sealer): InsertParameters {
  const { stateHash, codeVerifier } = authorization;
  return {
    state_hash: stateHash,
    nonce_hash: authorization.nonceHash,
    code_verifier: sealer.seal('codeVerifier', stateHash, codeVerifier.reveal()),
    redirect_uri: authorization.redirectUri,
    scope: authorization.scope,
    invitation_id: authorization.invitationId ?? null,
    customer_id: authorization.customerId ?? null,
    created_at: authorization.createdAtMs,
    expires_at: authorization.expiresAtMs,
    consumed_at: authorization.consumedAtMs ?? null,
  };
}

function toAuthorization(row: AuthorizationRow, sealer: Sealer): Authorization {
  return {
    stateHash: row.state_hash,
    nonceHash: row.nonce_hash,
    codeVerifier: new Secret(
      'code_verifier',
      sealer.open('codeVerifier', row.state_hash, row.code_verifier),
    ),
    redirectUri: row.redirect_uri,
    scope: row.scope,
    invitationId: row.invitation_id ?? undefined,
    customerId: row.customer_id ?? undefined,
    createdAtMs: row.created_at,
    expiresAtMs: row.expires_at,
    consumedAtMs: row.consumed_at ?? undefined,
  };
}
