import type { ApiRequestInit } from '../calls/api-call.ts';
import type { ApiCaller } from '../calls/api-caller.ts';
import type { ApiResponse } from '../calls/api-response.ts';
import { ConnectionSource, type CallTarget } from '../calls/credential-source.ts';
import type { Credentials } from '../calls/credentials.ts';
import { createRecentReads, routeAgeMs } from '../calls/recent-reads.ts';
import type { TrafficMeter } from '../calls/traffic-meter.ts';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { Connection } from '../model/connection.ts';
import { preferOAuth } from '../model/route-policy.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Store } from '../store/store.ts';

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
  fetch(target: string | URL, init?: ApiRequestInit): Promise<ApiResponse>;
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
  /** Counts what is sent. */
  readonly meter?: TrafficMeter;
}

const capacity = 10_000;

/** Programs without types hand over what they have, which may be `undefined`, or name two. */
function readTarget(target: ConnectionTarget | undefined): ConnectionTarget {
  const { accountId, customerId } = (target ?? {}) as Readonly<Record<string, unknown>>;
  if (customerId === undefined && isId(accountId)) return { accountId };
  if (accountId === undefined && isId(customerId)) return { customerId };
  throw new KeyshiftError('request_invalid', 'Name the connection by customer or by account.', {
    fix: 'Pass either { customerId } or { accountId }, as a non-empty string.',
  });
}

function isId(id: unknown): id is string {
  return typeof id === 'string' && id !== '';
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
 *
 * @throws KeyshiftError from the function it creates: `request_invalid` without an id
 */
export function createConnections(
  options: ConnectionsOptions,
): (target: ConnectionTarget) => ConnectionHandle {
  const { store, credentials, callApi, clock, meter } = options;
  const known = createRecentReads<Connection | undefined>({
    clock,
    maxAgeMs: routeAgeMs,
    capacity,
    version: () => store.version(),
  });

  async function read(target: ConnectionTarget): Promise<Connection | undefined> {
    if ('customerId' in target) return store.connections.findByCustomer(target.customerId);
    return preferOAuth(await store.connections.listByAccount(target.accountId));
  }

  /** Read afresh every time, within the age that a route may have. */
  async function find(target: ConnectionTarget, name: string): Promise<CallTarget> {
    const connection = await known.get(name, () => read(target));
    if (connection) return { connection };
    if ('accountId' in target) return target;
    throw new KeyshiftError(
      'connection_not_found',
      `Customer ${JSON.stringify(target.customerId)} has no connection.`,
    );
  }

  return (given) => {
    const target = readTarget(given);
    const name =
      'customerId' in target ? `customer ${target.customerId}` : `account ${target.accountId}`;
    return {
      fetch: (address, init) =>
        callApi(
          new ConnectionSource({ credentials, meter }, () => find(target, name)),
          address,
          init,
        ),
      async accessToken(signal) {
        const found = await find(target, name);
        const credential =
          'connection' in found
            ? await credentials.forConnection(found.connection, undefined, { signal })
            : await credentials.forAccount(found.accountId, { signal });
        if (credential.route === 'oauth') return credential.secret.reveal();
        throw new KeyshiftError(
          'stage_conflict',
          'The connection is still on its private key; there is no access token to hand out.',
          { fix: 'Use fetch(), which follows the route, or cut the connection over.' },
        );
      },
    };
  };
}
