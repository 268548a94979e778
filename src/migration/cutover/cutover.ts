import { KeyshiftError } from '../../errors/keyshift-error.ts';
import type { Clock } from '../../runtime/clock.ts';
import {
  asCanary,
  backToKey,
  byOAuth,
  describeStage,
  mayRollBack,
  stageAfterRollBack,
  type Connection,
  type KeyHolder,
} from '../../model/connection.ts';
import { mayCutOver } from '../../model/stages.ts';
import type { Store } from '../../store/store.ts';
import type { ProveGrant } from './prove-grant.ts';
import type { StageMachine } from '../stage-machine.ts';

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
      const accountId = requireProven(connection, canaryRule);
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
      await proveGrant(requireProven(connection, cutoverRule));
      // A canary has been looked at before its first call.
      if (connection.stage === 'verified') await snapshotMetrics?.(connection);
      const change = { way: byOAuth(connection, clock.now()) };
      return store.transaction((tx) => machine.move(tx, connection, 'live', { actor, change }));
    },

    async rollBack(connection, actor, reason) {
      const refusal = whyNothingToRollBack(connection);
      if (refusal) throw refusal;
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

const canaryRule = 'only verified connections can become a canary';
const cutoverRule = 'only verified connections can be cut over';

/** Why a connection cannot become a canary now; `undefined` when it can. A plan asks before. */
export function whyNoCanary(connection: Connection): KeyshiftError | undefined {
  return whyNotProven(connection, canaryRule) ?? whyNoKey(connection);
}

/** Why a connection cannot be cut over now; `undefined` when it can. */
export function whyNoCutover(connection: Connection): KeyshiftError | undefined {
  return whyNotProven(connection, cutoverRule);
}

/** Why a connection cannot be rolled back now; `undefined` when it can. */
export function whyNoRollback(connection: Connection): KeyshiftError | undefined {
  return whyNothingToRollBack(connection) ?? whyNoKey(connection);
}

function requireKey(connection: Connection): asserts connection is KeyHolder {
  const refusal = whyNoKey(connection);
  if (refusal) throw refusal;
}

function whyNoKey({ key, customerId }: Connection): KeyshiftError | undefined {
  if (key === 'held') return undefined;
  return new KeyshiftError(
    'key_not_found',
    `Customer ${customerId} has no private key to return to.`,
  );
}

/** The account that the grant is proven for; `undefined` at other stages. */
function provenAccount(connection: Connection): string | undefined {
  return mayCutOver(connection) ? connection.accountId : undefined;
}

function requireProven(connection: Connection, rule: string): string {
  const accountId = provenAccount(connection);
  if (accountId === undefined) throw notProven(connection, rule);
  return accountId;
}

function whyNotProven(connection: Connection, rule: string): KeyshiftError | undefined {
  return provenAccount(connection) === undefined ? notProven(connection, rule) : undefined;
}

function notProven(connection: Connection, rule: string): KeyshiftError {
  return new KeyshiftError(
    'stage_conflict',
    `Customer ${connection.customerId} is ${describeStage(connection)}; ${rule}.`,
  );
}

function whyNothingToRollBack(connection: Connection): KeyshiftError | undefined {
  if (mayRollBack(connection)) return undefined;
  return new KeyshiftError(
    'stage_conflict',
    `Customer ${connection.customerId} is ${describeStage(connection)} on the ${connection.route} route; there is nothing to roll back.`,
  );
}
