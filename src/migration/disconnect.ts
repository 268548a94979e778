import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { OAuthClient } from '../oauth/oauth-client.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import type { Connection } from '../model/connection.ts';
import type { Grant } from '../model/grant.ts';
import { hasConsented } from '../model/stages.ts';
import type { Store } from '../store/store.ts';
import { defaultBudgets } from '../tokens/refresh-policy.ts';
import type { StageMachine } from './stage-machine.ts';

/** What {@link createDisconnect} works with. */
export interface DisconnectOptions {
  readonly store: Store;
  readonly oauth: OAuthClient;
  readonly machine: StageMachine;
  readonly clock: Clock;
  readonly random: Random;
}

/** Pause between two looks at a grant that is being refreshed. */
const pollMs = 100;

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
  const { store, oauth, machine, clock, random } = options;

  return async (connection, actor) => {
    const revoked = await revokeGrant(connection);
    await store.transaction(async (tx) => {
      const current = await tx.connections.findById(connection.id);
      if (!current || !usesGrant(current)) return;
      const cause = { actor, reason: 'disconnected' };
      const key = await tx.privateKeys.info(current.id);
      if (key?.present) {
        await machine.move(tx, current, 'checked', {
          ...cause,
          patch: { route: 'key', liveSinceMs: undefined },
        });
      } else {
        // The grant lives on for others: this connection must not use it any more.
        const patch = revoked ? {} : ({ route: 'key' } as const);
        await machine.flag(tx, current, 'grant_lost', { ...cause, patch });
      }
    });
    return revoked;
  };

  /** Whether there is anything to end: consent was given, or traffic goes by OAuth. */
  function usesGrant(connection: Connection): boolean {
    return hasConsented(connection) || connection.route === 'oauth';
  }

  async function revokeGrant(connection: Connection): Promise<boolean> {
    const { accountId } = connection;
    if (accountId === undefined) return false;
    const sharing = await store.connections.listByAccount(accountId);
    if (sharing.some((other) => other.id !== connection.id && hasConsented(other))) {
      return false;
    }
    const owner = random.id();
    const grant = await lease(accountId, owner);
    if (!grant) return false;
    try {
      await oauth.revoke(grant.refreshToken);
    } catch (error) {
      await store.grants.releaseLease(grant.id, owner);
      throw error;
    }
    return store.grants.markState(grant.id, grant.generation, 'revoked');
  }

  /**
   * The active grant of an account, leased so that nobody refreshes it meanwhile: the refresh token
   * that a refresh on the wire replaces revokes nothing any more, and the app stays installed.
   */
  async function lease(accountId: string, owner: string): Promise<Grant | undefined> {
    const { leaseMs, waitMs } = defaultBudgets;
    const startedMs = clock.now();
    for (;;) {
      const grant = await store.grants.find({ clientId: oauth.clientId, accountId });
      if (grant?.state !== 'active') return undefined;
      const nowMs = clock.now();
      const { id, generation } = grant;
      const request = { generation, owner, nowMs, expiresAtMs: nowMs + leaseMs };
      const leased = await store.grants.acquireLease(id, request);
      if (leased) return leased;
      if (nowMs - startedMs > waitMs) {
        throw new KeyshiftError(
          'upstream_timeout',
          `The grant of account ${accountId} has been refreshing for too long.`,
        );
      }
      await clock.sleep(pollMs);
    }
  }
}
