import type { Clock } from '../runtime/clock.ts';
import type { Connection } from '../model/connection.ts';
import type { Store } from '../store/store.ts';
import { awaitsConsent, hasMoved } from '../model/stages.ts';
import type { StageMachine } from './stage-machine.ts';

interface SettleOptions {
  readonly machine: StageMachine;
  readonly clock: Clock;
  readonly actor: string;
}

/** Moves a connection on whose grant has just passed every check, in the transaction of `store`. */
export async function settleVerified(
  store: Store,
  connection: Connection,
  { machine, clock, actor }: SettleOptions,
): Promise<Connection> {
  const cause = { actor };
  if (connection.attentionReason === 'oauth_errors') return endHold();
  if (connection.stage !== 'authorized' && !awaitsConsent(connection)) return connection;
  const authorized =
    connection.stage === 'authorized'
      ? connection
      : await machine.move(store, connection, 'authorized', cause);
  const verified = await machine.move(store, authorized, 'verified', cause);
  const key = await store.privateKeys.info(connection.id);
  if (key?.present && verified.route !== 'oauth') return verified;
  // Nothing to cut over from: the connection never had a key, or was on OAuth before.
  const nowMs = clock.now();
  return machine.move(store, verified, 'live', {
    actor,
    reason: verified.liveSinceMs === undefined ? 'no private key' : 'consent renewed',
    patch: { route: 'oauth', liveSinceMs: verified.liveSinceMs ?? nowMs, watchedSinceMs: nowMs },
  });

  /** The errors that were counted before must not hold it again at once. */
  function endHold(): Promise<Connection> {
    const to = connection.attentionFrom;
    if (!to || to === 'attention' || !hasMoved({ stage: to }) || connection.route !== 'oauth') {
      return machine.move(store, connection, 'verified', { ...cause, reason: 'hold ended' });
    }
    const patch = { watchedSinceMs: clock.now() };
    return machine.move(store, connection, to, { ...cause, reason: 'hold ended', patch });
  }
}
