import type { Clock } from '../runtime/clock.ts';
import { byOAuth, type Connection } from '../model/connection.ts';
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
  if (connection.attentionReason === 'oauth_errors') return endHold(connection);
  if (connection.stage !== 'authorized' && !awaitsConsent(connection)) return connection;
  const authorized =
    connection.stage === 'authorized'
      ? connection
      : await machine.move(store, connection, 'authorized', cause);
  const verified = await machine.move(store, authorized, 'verified', cause);
  if (verified.key === 'held' && verified.route !== 'oauth') return verified;
  // Nothing to cut over from: the connection never had a key, or was on OAuth before.
  return machine.move(store, verified, 'live', {
    actor,
    reason: verified.liveSinceMs === undefined ? 'no private key' : 'consent renewed',
    change: { way: byOAuth(verified, clock.now()) },
  });

  /** The errors that were counted before must not hold it again at once. */
  function endHold(
    held: Extract<Connection, { readonly stage: 'attention' }>,
  ): Promise<Connection> {
    const to = held.attentionFrom;
    if (!hasMoved({ stage: to }) || held.route !== 'oauth') {
      return machine.move(store, held, 'verified', { ...cause, reason: 'hold ended' });
    }
    const change = { way: byOAuth(held, clock.now()) };
    return machine.move(store, held, to, { ...cause, reason: 'hold ended', change });
  }
}
