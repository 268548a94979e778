import { sendsByOAuth, withoutGrant, type Connection } from '../../model/connection.ts';
import { hasConsented } from '../../model/stages.ts';
import type { Store } from '../../store/store.ts';
import type { TokenEngine } from '../../tokens/token-engine.ts';
import type { StageMachine } from '../stage-machine.ts';

/** What {@link createDisconnect} works with. */
export interface DisconnectOptions {
  readonly store: Store;
  readonly tokens: TokenEngine;
  readonly clientId: string;
  readonly machine: StageMachine;
}

/**
 * Ends a connection's use of OAuth, for a settings page. The grant is revoked at Klaviyo, which
 * uninstalls the app there, unless another customer's connection lives on the same account. The
 * connection returns to its private key if it still holds one.
 *
 * @returns whether the app was uninstalled at Klaviyo
 * @throws KeyshiftError `upstream_*`, `client_rejected`; nothing was changed then
 */
export type Disconnect = (connection: Connection, actor: string) => Promise<boolean>;

/** Creates the service. */
export function createDisconnect(options: DisconnectOptions): Disconnect {
  const { store, tokens, clientId, machine } = options;

  return async (connection, actor) => {
    const revoked = await revokeGrant(connection);
    await store.transaction(async (tx) => {
      const current = await tx.connections.findById(connection.id);
      if (!current || !mayBeDisconnected(current)) return;
      const cause = { actor, reason: 'disconnected' };
      const change = { way: withoutGrant(current) };
      if (current.key === 'held') {
        await machine.move(tx, current, 'checked', { ...cause, change });
      } else {
        // Where the grant lives on for others, this connection must not use it any more.
        await machine.flag(tx, current, 'grant_lost', revoked ? cause : { ...cause, change });
      }
    });
    return revoked;
  };

  async function revokeGrant(connection: Connection): Promise<boolean> {
    const { accountId } = connection;
    if (accountId === undefined || (await sharesGrant(store, connection))) return false;
    return tokens.endGrant({ clientId, accountId });
  }
}

/** Whether another customer's connection lives on the same grant, which must not be revoked then. */
export async function sharesGrant(
  store: Pick<Store, 'connections'>,
  { id, accountId }: Connection,
): Promise<boolean> {
  if (accountId === undefined) return false;
  const sharing = await store.connections.listByAccount(accountId);
  return sharing.some((other) => other.id !== id && hasConsented(other));
}

/** Whether there is anything to end: consent was given, or calls go by OAuth. */
export function mayBeDisconnected(connection: Connection): boolean {
  return hasConsented(connection) || sendsByOAuth(connection);
}
