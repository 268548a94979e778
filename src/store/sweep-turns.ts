import type { Database } from './database.ts';
import { statement, type ParameterOf } from './statement.ts';

/** What {@link SweepTurnStore.take} returns. */
export interface SweepTurn {
  /** Whether the caller has the turn now. */
  readonly taken: boolean;
  /** When the turn ends, whoever has it. */
  readonly endsAtMs: number;
}

/**
 * Turns to start refreshes of one OAuth app: one sweeper of all processes at a time has it, for as
 * long as its batch is meant to take. That holds all of them together to one rate.
 */
export interface SweepTurnStore {
  /**
   * Takes the turn until `untilMs` if the last one is over, or ends later than `ignoreAfterMs`:
   * that one was taken by a clock that went wrong.
   */
  take(
    clientId: string,
    turn: { readonly nowMs: number; readonly untilMs: number; readonly ignoreAfterMs: number },
  ): Promise<SweepTurn>;
  /** Ends the turn that was taken until `takenUntilMs` at another time, if nobody has it by now. */
  shorten(clientId: string, takenUntilMs: number, untilMs: number): Promise<void>;
}

const take = statement(
  (db, p: ParameterOf<{ clientId: string; now: number; until: number; ignoreAfter: number }>) =>
    db
      .insertInto('sweep_turns')
      .values({ client_id: p('clientId'), ends_at: p('until') })
      .onConflict((conflict) =>
        conflict
          .column('client_id')
          .doUpdateSet((eb) => ({ ends_at: eb.ref('excluded.ends_at') }))
          .where((eb) =>
            eb.or([
              eb('sweep_turns.ends_at', '<=', p('now')),
              eb('sweep_turns.ends_at', '>', p('ignoreAfter')),
            ]),
          ),
      )
      .returning('ends_at'),
);

const read = statement((db, p: ParameterOf<{ clientId: string }>) =>
  db.selectFrom('sweep_turns').select('ends_at').where('client_id', '=', p('clientId')),
);

const shorten = statement((db, p: ParameterOf<{ clientId: string; from: number; until: number }>) =>
  db
    .updateTable('sweep_turns')
    .set({ ends_at: p('until') })
    .where('client_id', '=', p('clientId'))
    .where('ends_at', '=', p('from')),
);

/** Keeps turns. */
export function createSweepTurnStore(database: Database): SweepTurnStore {
  return {
    async take(clientId, { nowMs, untilMs, ignoreAfterMs }) {
      const turn = { clientId, now: nowMs, until: untilMs, ignoreAfter: ignoreAfterMs };
      if (await database.first(take, turn)) return { taken: true, endsAtMs: untilMs };
      const row = await database.first(read, { clientId });
      return { taken: false, endsAtMs: row?.ends_at ?? nowMs };
    },
    async shorten(clientId, takenUntilMs, untilMs) {
      await database.run(shorten, { clientId, from: takenUntilMs, until: untilMs });
    },
  };
}
