import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { Clock } from '../runtime/clock.ts';
import {
  asCanary,
  backToKey,
  byOAuth,
  describeStage,
  mayRollBack,
  stageAfterRollBack,
  type Connection,
  type KeyHolder,
} from '../model/connection.ts';
import { mayCutOver } from '../model/stages.ts';
import type { Store } from '../store/store.ts';
import type { ProveGrant } from './prove-grant.ts';
import type { StageMachine } from './stage-machine.ts';

/** What {@link createCutover} works with. */
export interface CutoverOptions {
  readonly store: Store;
  readonly machine: StageMachine;
  readonly proveGrant: ProveGrant;
  readonly clock: Clock;
  /** Keeps the metrics of the account before the first call goes by OAuth. Never rejects. */
  readonly snapshotMetrics?: (connection: Connection) => Promise<void>;
}

/** Moves a connection's traffic between its credentials. */
export interface Cutover {
  /**
   * Sends a share of the calls by OAuth and the rest by key, after proving that the grant gives a
   * living token; changes the share of a connection that is a canary already.
   *
   * @param percent 1 to 100
   * @throws KeyshiftError `stage_conflict`, `key_not_found`, and as {@link Cutover.cutOver}
   */
  startCanary(connection: Connection, percent: number, actor: string): Promise<Connection>;
  /**
   * Moves all traffic to OAuth, after proving that the grant gives a living token.
   *
   * @throws KeyshiftError `stage_conflict`, `grant_not_found`, `grant_lost`, `account_unverified`,
   * `upstream_*`
   */
  cutOver(connection: Connection, actor: string): Promise<Connection>;
  /**
   * Moves traffic back to the private key.
   *
   * @throws KeyshiftError `stage_conflict` when it was not on OAuth, `key_not_found` when the key
   * was destroyed
   */
  rollBack(connection: Connection, actor: string, reason?: string): Promise<Connection>;
}

/** Creates the service. */
export function createCutover(options: CutoverOptions): Cutover {
  const { store, machine, proveGrant, clock, snapshotMetrics } = options;
  return {
    async startCanary(connection, percent, actor) {
      const accountId = requireProven(connection, 'only verified connections can become a canary');
      requireKey(connection);
      await proveGrant(accountId);
      if (connection.stage === 'verified') await snapshotMetrics?.(connection);
      const reason = `${percent} % over OAuth`;
      const atMs = clock.now();
      const change = { way: asCanary(connection, percent, atMs) };
      return store.transaction(async (tx) => {
        if (connection.stage !== 'canary') {
          return machine.move(tx, connection, 'canary', { actor, reason, change });
        }
        await tx.audit.append({
          ...{ atMs, actor, reason, action: 'connection.canary', connectionId: connection.id },
          ...{ fromStage: undefined, toStage: undefined },
        });
        return tx.connections.update(connection, change, atMs);
      });
    },

    async cutOver(connection, actor) {
      await proveGrant(requireProven(connection, 'only verified connections can be cut over'));
      // A canary has been looked at before its first call.
      if (connection.stage === 'verified') await snapshotMetrics?.(connection);
      const change = { way: byOAuth(connection, clock.now()) };
      return store.transaction((tx) => machine.move(tx, connection, 'live', { actor, change }));
    },

    async rollBack(connection, actor, reason) {
      if (!mayRollBack(connection)) {
        throw new KeyshiftError(
          'stage_conflict',
          `Customer ${connection.customerId} is ${describeStage(connection)} on the ${connection.route} route; there is nothing to roll back.`,
        );
      }
      requireKey(connection);
      const cause = {
        actor,
        reason: reason ?? 'rollback',
        change: { way: backToKey(connection) },
      };
      const to = stageAfterRollBack(connection);
      return store.transaction((tx) => machine.move(tx, connection, to, cause));
    },
  };
}

function requireKey(connection: Connection): asserts connection is KeyHolder {
  if (connection.key === 'held') return;
  throw new KeyshiftError(
    'key_not_found',
    `Customer ${connection.customerId} has no private key to return to.`,
  );
}

function requireProven(connection: Connection, rule: string): string {
  const { accountId } = connection;
  if (mayCutOver(connection) && accountId !== undefined) return accountId;
  throw new KeyshiftError(
    'stage_conflict',
    `Customer ${connection.customerId} is ${describeStage(connection)}; ${rule}.`,
  );
}
