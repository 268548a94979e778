import type { Invitation } from '../model/invitation.ts';
import { createRowMapper, parametersFor, type ColumnsOf } from './columns.ts';
import type { Database } from './database.ts';
import type { InvitationRow } from './schema.ts';
import { statement, type ParameterOf } from './statement.ts';

/** Durable links asking a customer to consent, by the hash of their token. */
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

const columns = {
  id: 'id',
  connectionId: 'connection_id',
  tokenHash: 'token_hash',
  wave: 'wave',
  createdAtMs: 'created_at',
  expiresAtMs: 'expires_at',
  openedAtMs: 'opened_at',
  consumedAtMs: 'consumed_at',
  revokedAtMs: 'revoked_at',
} as const satisfies ColumnsOf<Invitation, InvitationRow>;

const mapper = createRowMapper<Invitation, InvitationRow, typeof columns>(columns);

type Parameters = { [Column in keyof InvitationRow]: InvitationRow[Column] };

const insert = statement((db, p: ParameterOf<Parameters>) =>
  db
    .insertInto('invitations')
    .values(parametersFor<InvitationRow, keyof InvitationRow>(mapper.columns, p)),
);

const findById = statement((db, p: ParameterOf<{ id: string }>) =>
  db.selectFrom('invitations').selectAll().where('id', '=', p('id')),
);

const findByTokenHash = statement((db, p: ParameterOf<{ tokenHash: string }>) =>
  db.selectFrom('invitations').selectAll().where('token_hash', '=', p('tokenHash')),
);

const listByConnection = statement((db, p: ParameterOf<{ connectionId: string }>) =>
  db
    .selectFrom('invitations')
    .selectAll()
    .where('connection_id', '=', p('connectionId'))
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc'),
);

// Each change is recorded once; repeating it keeps the first time.
const markOpened = statement((db, p: ParameterOf<{ id: string; at: number }>) =>
  db
    .updateTable('invitations')
    .set({ opened_at: p('at') })
    .where('id', '=', p('id'))
    .where('opened_at', 'is', null),
);

const consumeByConnection = statement((db, p: ParameterOf<{ connectionId: string; at: number }>) =>
  db
    .updateTable('invitations')
    .set({ consumed_at: p('at') })
    .where('connection_id', '=', p('connectionId'))
    .where('consumed_at', 'is', null)
    .where('revoked_at', 'is', null),
);

const revoke = statement((db, p: ParameterOf<{ id: string; at: number }>) =>
  db
    .updateTable('invitations')
    .set({ revoked_at: p('at') })
    .where('id', '=', p('id'))
    .where('consumed_at', 'is', null)
    .where('revoked_at', 'is', null),
);

/** Keeps invitations. */
export function createInvitationStore(database: Database): InvitationStore {
  const open = (row: InvitationRow | undefined) => row && mapper.toRecord(row);
  return {
    async insert(invitation) {
      await database.run(insert, { ...mapper.toRow(invitation) });
    },
    findById: async (id) => open(await database.first(findById, { id })),
    findByTokenHash: async (tokenHash) =>
      open(await database.first(findByTokenHash, { tokenHash })),
    listByConnection: async (connectionId) =>
      (await database.all(listByConnection, { connectionId })).map(mapper.toRecord),
    async markOpened(id, atMs) {
      await database.run(markOpened, { id, at: atMs });
    },
    async consumeByConnection(connectionId, atMs) {
      await database.run(consumeByConnection, { connectionId, at: atMs });
    },
    async revoke(id, atMs) {
      await database.run(revoke, { id, at: atMs });
    },
  };
}
