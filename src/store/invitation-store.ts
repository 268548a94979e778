import type { Database } from './database.ts';
import type { ParameterOf } from './prepared-statement.ts';
import type { Invitation } from '../model/invitation.ts';
import type { InvitationRow } from './schema.ts';
import type { InvitationStore } from './store.ts';

type InsertParameters = { [Column in keyof InvitationRow]: InvitationRow[Column] };

/** Keeps invitations, by the hash of their token. */
export function createInvitationStore(database: Database): InvitationStore {
  const { insert, findById, findByTokenHash, listByConnection } = prepareReads(database);
  const { markOpened, consumeByConnection, revoke } = prepareChanges(database);
  return {
    async insert(invitation) {
      await insert.run(toRow(invitation));
    },
    async findById(id) {
      const row = await findById.first({ id });
      return row && toInvitation(row);
    },
    async findByTokenHash(tokenHash) {
      const row = await findByTokenHash.first({ tokenHash });
      return row && toInvitation(row);
    },
    listByConnection: async (connectionId) =>
      (await listByConnection.all({ connectionId })).map(toInvitation),
    async markOpened(id, atMs) {
      await markOpened.run({ id, at: atMs });
    },
    async consumeByConnection(connectionId, atMs) {
      await consumeByConnection.run({ connectionId, at: atMs });
    },
    async revoke(id, atMs) {
      await revoke.run({ id, at: atMs });
    },
  };
}

function prepareReads(database: Database) {
  const insert = database.prepare((db, p: ParameterOf<InsertParameters>) =>
    db.insertInto('invitations').values({
      id: p('id'),
      connection_id: p('connection_id'),
      token_hash: p('token_hash'),
      created_at: p('created_at'),
      expires_at: p('expires_at'),
      opened_at: p('opened_at'),
      consumed_at: p('consumed_at'),
      revoked_at: p('revoked_at'),
      wave: p('wave'),
    }),
  );
  const findById = database.prepare((db, p: ParameterOf<{ id: string }>) =>
    db.selectFrom('invitations').selectAll().where('id', '=', p('id')),
  );
  const findByTokenHash = database.prepare((db, p: ParameterOf<{ tokenHash: string }>) =>
    db.selectFrom('invitations').selectAll().where('token_hash', '=', p('tokenHash')),
  );
  const listByConnection = database.prepare((db, p: ParameterOf<{ connectionId: string }>) =>
    db
      .selectFrom('invitations')
      .selectAll()
      .where('connection_id', '=', p('connectionId'))
      .orderBy('created_at', 'desc')
      .orderBy('id', 'desc'),
  );
  return { insert, findById, findByTokenHash, listByConnection };
}

/** Each change is recorded once; repeating it keeps the first time. */
function prepareChanges(database: Database) {
  const markOpened = database.prepare((db, p: ParameterOf<{ id: string; at: number }>) =>
    db
      .updateTable('invitations')
      .set({ opened_at: p('at') })
      .where('id', '=', p('id'))
      .where('opened_at', 'is', null),
  );
  const consumeByConnection = database.prepare(
    (db, p: ParameterOf<{ connectionId: string; at: number }>) =>
      db
        .updateTable('invitations')
        .set({ consumed_at: p('at') })
        .where('connection_id', '=', p('connectionId'))
        .where('consumed_at', 'is', null)
        .where('revoked_at', 'is', null),
  );
  const revoke = database.prepare((db, p: ParameterOf<{ id: string; at: number }>) =>
    db
      .updateTable('invitations')
      .set({ revoked_at: p('at') })
      .where('id', '=', p('id'))
      .where('consumed_at', 'is', null)
      .where('revoked_at', 'is', null),
  );
  return { markOpened, consumeByConnection, revoke };
}

function toRow(invitation: Invitation): InsertParameters {
  return {
    id: invitation.id,
    connection_id: invitation.connectionId,
    token_hash: invitation.tokenHash,
    created_at: invitation.createdAtMs,
    expires_at: invitation.expiresAtMs,
    opened_at: invitation.openedAtMs ?? null,
    consumed_at: invitation.consumedAtMs ?? null,
    revoked_at: invitation.revokedAtMs ?? null,
    wave: invitation.wave ?? null,
  };
}

function toInvitation(row: InvitationRow): Invitation {
  return {
    id: row.id,
    connectionId: row.connection_id,
    tokenHash: row.token_hash,
    createdAtMs: row.created_at,
    expiresAtMs: row.expires_at,
    openedAtMs: row.opened_at ?? undefined,
    consumedAtMs: row.consumed_at ?? undefined,
    revokedAtMs: row.revoked_at ?? undefined,
    ...(row.wave === null ? {} : { wave: row.wave }),
  };
}
