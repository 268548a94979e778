import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { PrivateKey } from '../klaviyo/private-key.ts';
import type { Connection, Grant } from '../store/records.ts';
import type { Store } from '../store/store.ts';
import type { TokenEngine } from '../tokens/token-engine.ts';

/** The credential that a connection's call is sent with. */
export type RoutedCredential =
  | {
      readonly route: 'key';
      /** Who shares Klaviyo's limits with this credential. */
      readonly quota: string;
      readonly secret: PrivateKey;
    }
  | {
      readonly route: 'oauth';
      readonly quota: string;
      readonly secret: Grant['accessToken'];
      readonly accountId: string;
      readonly generation: number;
    };

/** Picks credentials by the route of a connection. */
export interface Credentials {
  /**
   * @throws KeyshiftError `key_not_found` on the key route without a key, `grant_not_found`,
   * `grant_lost`, `upstream_*` on the OAuth route
   */
  forConnection(
    connection: Connection,
    signal?: AbortSignal,
  ): RoutedCredential | Promise<RoutedCredential>;
  /**
   * The grant of an account, for accounts that consented without being a customer's connection: at
   * once where it is in memory and fresh.
   */
  forAccount(accountId: string, signal?: AbortSignal): RoutedCredential | Promise<RoutedCredential>;
  /** After Klaviyo's 401 for an OAuth credential: a newer one, refreshed if need be. */
  afterUnauthorized(
    accountId: string,
    generation: number,
    signal?: AbortSignal,
  ): Promise<RoutedCredential>;
}

/** What {@link createCredentials} works with. */
export interface CredentialsOptions {
  readonly store: Store;
  readonly tokens: TokenEngine;
  readonly clientId: string;
}

/** Creates the picker; the one place where a route becomes a credential. */
export function createCredentials({ store, tokens, clientId }: CredentialsOptions): Credentials {
  /** Made once for each generation of a grant that is in memory. */
  const made = new WeakMap<Grant, RoutedCredential>();

  function toCredential(grant: Grant): RoutedCredential {
    let credential = made.get(grant);
    if (!credential) made.set(grant, (credential = makeCredential(grant)));
    return credential;
  }

  function forAccount(accountId: string, signal?: AbortSignal) {
    const key = { clientId, accountId };
    const held = tokens.freshGrant(key);
    return held ? toCredential(held) : tokens.liveGrant(key, signal).then(toCredential);
  }

  async function forKey(connection: Connection): Promise<RoutedCredential> {
    const secret = await store.privateKeys.open(connection.id);
    if (secret) {
      return { route: 'key', quota: `key ${connection.accountId ?? connection.id}`, secret };
    }
    throw new KeyshiftError(
      'key_not_found',
      `Customer ${connection.customerId} has no private key.`,
    );
  }

  return {
    forConnection(connection, signal) {
      switch (connection.route) {
        // No command sets a share yet: until one does, a canary connection stays on its key.
        case 'canary':
        case 'key':
          return forKey(connection);
        case 'oauth': {
          if (connection.accountId !== undefined) return forAccount(connection.accountId, signal);
          return Promise.reject(
            new KeyshiftError(
              'grant_not_found',
              `The account of customer ${connection.customerId} is not known yet.`,
            ),
          );
        }
        default:
          return connection.route satisfies never;
      }
    },
    forAccount,
    afterUnauthorized: async (accountId, generation, signal) =>
      toCredential(await tokens.afterUnauthorized({ clientId, accountId }, generation, signal)),
  };
}

function makeCredential(grant: Grant): RoutedCredential {
  const { accessToken: secret, accountId, generation } = grant;
  return { route: 'oauth', quota: `oauth ${accountId}`, secret, accountId, generation };
}
