import { isKeyshiftError, KeyshiftError } from '../errors/keyshift-error.ts';
import type { Clock } from '../runtime/clock.ts';
import { canMove, type AttentionReason, type JourneyStage } from '../model/stages.ts';
import {
  at,
  setAside,
  type At,
  type Connection,
  type ConnectionChange,
} from '../model/connection.ts';
import type { Store } from '../store/store.ts';

/** Why and by whom a connection moves. */
export interface TransitionCause {
  /** See {@link AuditEvent.actor}. */
  readonly actor: string;
  readonly reason?: string;
  /** What else is written with the stage. */
  readonly change?: Omit<ConnectionChange, 'at'>;
}

/** Moves connections between stages, each move with its line in the audit log. */
export interface StageMachine {
  /**
   * Moves a connection, in the transaction of `store`.
   *
   * @throws KeyshiftError `stage_conflict` when the step does not exist or another writer came first
   */
  move(
    store: Store,
    connection: Connection,
    to: JourneyStage,
    cause: TransitionCause,
  ): Promise<Connection>;
  /** Sets a connection aside for a person; a second reason replaces the first. */
  flag(
    store: Store,
    connection: Connection,
    reason: AttentionReason,
    cause: TransitionCause,
  ): Promise<Connection>;
}

/**
 * Creates the machine.
 *
 * @example
 * ```ts
 * const machine = createStageMachine(clock);
 * await store.transaction((tx) => machine.move(tx, connection, 'live', { actor: 'cli' }));
 * ```
 */
export function createStageMachine(clock: Clock): StageMachine {
  async function write(
    store: Store,
    connection: Connection,
    to: At,
    cause: TransitionCause,
  ): Promise<Connection> {
    const atMs = clock.now();
    const moved = await store.connections.update(connection, { ...cause.change, at: to }, atMs);
    await store.audit.append({
      atMs,
      actor: cause.actor,
      action: 'connection.stage',
      connectionId: connection.id,
      fromStage: connection.stage,
      toStage: to.stage,
      reason: cause.reason,
    });
    return moved;
  }

  return {
    async move(store, connection, to, cause) {
      if (!canMove(connection.stage, to)) {
        throw new KeyshiftError(
          'stage_conflict',
          `Customer ${connection.customerId} is ${connection.stage} and cannot become ${to}.`,
        );
      }
      return write(store, connection, at(to), cause);
    },
    flag: (store, connection, reason, cause) =>
      write(store, connection, setAside(connection, reason), {
        ...cause,
        reason: cause.reason ?? reason,
      }),
  };
}

/** Tabs that end at the same moment are few. */
const attempts = 10;

/**
 * Runs a transaction again when another writer came first: the later one starts over on what the
 * first has written.
 */
export async function retryConflict<Result>(write: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await write();
    } catch (error) {
      if (attempt === attempts || !isKeyshiftError(error, 'stage_conflict')) throw error;
    }
  }
}
