import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Connection } from '../store/records.ts';
import type { Store } from '../store/store.ts';
import type { ApiRequestInit } from './api-call.ts';
import type { ApiCaller, CredentialSource } from './api-caller.ts';
import type { ApiResponse } from './api-response.ts';
import type { Credentials, RoutedCredential } from './credentials.ts';

/** Whose Klaviyo account is meant: by Klaviyo's id, or by the integrator's own. */
export type ConnectionTarget = { readonly accountId: string } | { readonly customerId: string };

/** A customer's Klaviyo account, ready to be called. Keeps nothing open; make one for each use. */
export interface ConnectionHandle {
  /**
   * Calls Klaviyo's API with the credential of the connection's route. Refreshes and retries once
   * on 401, keeps to the rate windows, waits as `Retry-After` says, and repeats only what may be
   * repeated.
   *
   * @param target a path with its query, `/api/profiles?page[size]=20`, or a URL of Klaviyo's API
   * as its `links.next` holds it
   * @returns Klaviyo's answer, whatever its status; {@link ApiResponse.orThrow} makes errors of it
   * @throws KeyshiftError `request_invalid`, `connection_not_found`, `key_not_found`,
   * `grant_not_found`, `grant_lost`, `token_refused`, `client_rejected`, `upstream_*`
   */
  fetch(target: string, init?: ApiRequestInit): Promise<ApiResponse>;
  /**
   * An access token to use now, for code that calls Klaviyo by itself.
   *
   * @throws KeyshiftError `stage_conflict` while the connection is on its private key
   */
  accessToken(signal?: AbortSignal): Promise<string>;
}

/** What {@link createConnections} works with. */
export interface ConnectionsOptions {
  readonly store: Store;
  readonly credentials: Credentials;
  readonly callApi: ApiCaller;
  readonly clock: Clock;
}

/** For so long a changed route may go unnoticed: half of the second that a switch may take. */
const routeAgeMs = 500;
const capacity = 10_000;

interface Known {
  readonly connection: Connection | undefined;
  readonly readAtMs: number;
}

/**
 * Creates the way from a customer to its credential.
 *
 * @example
 * ```ts
 * const connection = keyshift.connection({ customerId: 'acme' });
 * const response = await connection.fetch('/api/profiles');
 * const { data } = (await response.json()) as { data: unknown[] };
 * ```
 */
export function createConnections(
  options: ConnectionsOptions,
): (target: ConnectionTarget) => ConnectionHandle {
  const { store, credentials, callApi, clock } = options;
  const known = new Map<string, Known>();

  async function read(target: ConnectionTarget): Promise<Connection | undefined> {
    if ('customerId' in target) return store.connections.findByCustomer(target.customerId);
    const connections = await store.connections.listByAccount(target.accountId);
    return connections.find(({ route }) => route === 'oauth') ?? connections[0];
  }

  async function find(target: ConnectionTarget, name: string): Promise<Connection | undefined> {
    const nowMs = clock.now();
    const connection = await read(target);
    known.delete(name);
    known.set(name, { connection, readAtMs: nowMs });
    if (known.size > capacity) known.delete(known.keys().next().value ?? '');
    return connection;
  }

  function credentialOf(
    target: ConnectionTarget,
    connection: Connection | undefined,
    signal: AbortSignal | undefined,
  ): RoutedCredential | Promise<RoutedCredential> {
    if (connection) return credentials.forConnection(connection, signal);
    if ('accountId' in target) return credentials.forAccount(target.accountId, signal);
    throw new KeyshiftError(
      'connection_not_found',
      `No connection belongs to customer ${JSON.stringify(target.customerId)}.`,
    );
  }

  function pick(
    target: ConnectionTarget,
    name: string,
    signal: AbortSignal | undefined,
  ): RoutedCredential | Promise<RoutedCredential> {
    const entry = known.get(name);
    if (entry && clock.now() - entry.readAtMs < routeAgeMs) {
      return credentialOf(target, entry.connection, signal);
    }
    return find(target, name).then((connection) => credentialOf(target, connection, signal));
  }

  return (target) => {
    const name =
      'customerId' in target ? `customer ${target.customerId}` : `account ${target.accountId}`;
    const source: CredentialSource = {
      current: (signal) => pick(target, name, signal),
      afterUnauthorized: async (refused, signal) =>
        refused.route === 'oauth'
          ? credentials.afterUnauthorized(refused.accountId, refused.generation, signal)
          : undefined,
    };
    return {
      fetch: (address, init) => callApi(source, address, init),
      async accessToken(signal) {
        const credential = await pick(target, name, signal);
        if (credential.route === 'oauth') return credential.secret.reveal();
        throw new KeyshiftError(
          'stage_conflict',
          'The connection is still on its private key; there is no access token to give out.',
          { fix: 'Use fetch(), which follows the route, or cut the connection over.' },
        );
      },
    };
  };
}
