import type { Updateable } from 'kysely';
import { scrub } from '../runtime/scrub.ts';
import type { Database } from './database.ts';
import { createOutboxReads } from './outbox-reads.ts';
import { toOutboxColumns, toOutboxEntry } from './outbox-row.ts';
import type { OutboxStore } from './outreach.ts';
import type { SendOutcome } from '../model/message.ts';
import type { ParameterOf } from './prepared-statement.ts';
import type { OutboxRow } from './schema.ts';

/** Longest answer of another side that is kept. */
const detailLength = 500;

/** Keeps messages to customers. */
export function createOutboxStore(database: Database): OutboxStore {
  const { insert, begin, release, resend, cancel } = prepareChanges(database);

  return {
    ...createOutboxReads(database),
    add: async (message) => (await insert.run(toOutboxColumns(message))) > 0,
    async claim({ owner, nowMs, leaseExpiresAtMs, limit, channels }) {
      const rows = await database.query((db) =>
        db
          .updateTable('outbox')
          .set({ lease_owner: owner, lease_expires_at: leaseExpiresAtMs })
          .where('id', 'in', (eb) => {
            const due = eb
              .selectFrom('outbox')
              .select('id')
              .where('state', '=', 'waiting')
              .where('due_at', '<=', nowMs)
              .where('channel', 'in', channels)
              .where(({ or, eb: each }) =>
                or([each('lease_owner', 'is', null), each('lease_expires_at', '<=', nowMs)]),
              )
              .orderBy('due_at')
              .orderBy('id')
              .limit(limit);
            // Two senders at once take different rows; SQLite has one writer anyway.
            return database.kind === 'postgres' ? due.forUpdate().skipLocked() : due;
          })
          .returningAll(),
      );
      return rows
        .map(toOutboxEntry)
        .sort((a, b) => a.dueAtMs - b.dueAtMs || (a.id < b.id ? -1 : 1));
    },
    begin: (id, owner, leaseExpiresAtMs) =>
      // As a transaction it is on the disk before the mail leaves, so that a power cut cannot hide
      // that it may have left.
      database.transaction(
        async () => (await begin.run({ id, owner, leaseExpiresAt: leaseExpiresAtMs })) > 0,
      ),
    async finish(id, owner, outcome) {
      const rows = await database.query((db) =>
        db
          .updateTable('outbox')
          .set(toOutcomeColumns(outcome))
          .where('id', '=', id)
          .where('lease_owner', '=', owner)
          // Whoever was given up for dead still knows best.
          .where('state', 'in', ['waiting', 'sending', 'uncertain'])
          .returning('id'),
      );
      return rows.length > 0;
    },
    async release(owner) {
      await release.run({ owner });
    },
    takeOver: (nowMs, deadOwners) => takeOver(database, nowMs, deadOwners),
    resend: async (id, atMs) => (await resend.run({ id, at: atMs })) > 0,
    cancelByInvitation: (invitationId, atMs, detail) =>
      cancel.run({ invitationId, at: atMs, detail }),
  };
}

function prepareChanges(database: Database) {
  type Insert = ReturnType<typeof toOutboxColumns>;
  const insert = database.prepare((db, p: ParameterOf<Insert>) =>
    db
      .insertInto('outbox')
      .values({
        id: p('id'),
        once_key: p('once_key'),
        connection_id: p('connection_id'),
        invitation_id: p('invitation_id'),
        kind: p('kind'),
        channel: p('channel'),
        recipient: p('recipient'),
        state: p('state'),
        attempts: 0,
        due_at: p('due_at'),
        created_at: p('created_at'),
        ended_at: p('ended_at'),
      })
      .onConflict((conflict) => conflict.column('once_key').doNothing()),
  );
  const begin = database.prepare(
    (db, p: ParameterOf<{ id: string; owner: string; leaseExpiresAt: number }>) =>
      db
        .updateTable('outbox')
        .set((eb) => ({
          state: 'sending',
          attempts: eb('attempts', '+', 1),
          lease_expires_at: p('leaseExpiresAt'),
        }))
        .where('id', '=', p('id'))
        .where('lease_owner', '=', p('owner'))
        .where('state', '=', 'waiting'),
  );
  const release = database.prepare((db, p: ParameterOf<{ owner: string }>) =>
    db
      .updateTable('outbox')
      .set({ lease_owner: null, lease_expires_at: null })
      .where('lease_owner', '=', p('owner'))
      .where('state', '=', 'waiting'),
  );
  const resend = database.prepare((db, p: ParameterOf<{ id: string; at: number }>) =>
    db
      .updateTable('outbox')
      .set({
        state: 'waiting',
        due_at: p('at'),
        ended_at: null,
        lease_owner: null,
        lease_expires_at: null,
      })
      .where('id', '=', p('id'))
      .where('state', 'in', ['failed', 'uncertain']),
  );
  const cancel = database.prepare(
    (db, p: ParameterOf<{ invitationId: string; at: number; detail: string }>) =>
      db
        .updateTable('outbox')
        .set({ state: 'cancelled', ended_at: p('at'), detail: p('detail') })
        .where('invitation_id', '=', p('invitationId'))
        .where('state', '=', 'waiting'),
  );
  return { insert, begin, release, resend, cancel };
}

async function takeOver(
  database: Database,
  nowMs: number,
  deadOwners: readonly string[],
): Promise<number> {
  const abandoned = (
    state: 'waiting' | 'sending',
    channel: 'mail' | undefined,
    changes: Updateable<OutboxRow>,
  ) =>
    database.query((db) => {
      let query = db
        .updateTable('outbox')
        .set(changes)
        .where('state', '=', state)
        .where('lease_owner', 'is not', null)
        .where(({ or, eb }) =>
          or([
            eb('lease_expires_at', '<=', nowMs),
            ...(deadOwners.length > 0 ? [eb('lease_owner', 'in', deadOwners)] : []),
          ]),
        );
      if (channel !== undefined) query = query.where('channel', '=', channel);
      return query.returning('id');
    });
  const free = { lease_owner: null, lease_expires_at: null };
  await abandoned('waiting', undefined, free);
  const uncertain = await abandoned('sending', 'mail', {
    state: 'uncertain',
    ended_at: nowMs,
    detail: 'sending was interrupted; the mail server may or may not have accepted it',
  });
  await abandoned('sending', undefined, { ...free, state: 'waiting', due_at: nowMs });
  return uncertain.length;
}

function toOutcomeColumns(outcome: SendOutcome): Updateable<OutboxRow> {
  const free = { lease_owner: null, lease_expires_at: null };
  // Mail servers repeat what they refuse, and that may be the link.
  const detail = outcome.detail === undefined ? null : scrub(outcome.detail).slice(0, detailLength);
  return outcome.state === 'waiting'
    ? { ...free, state: 'waiting', due_at: outcome.dueAtMs, detail }
    : { ...free, state: outcome.state, ended_at: outcome.atMs, detail };
}
