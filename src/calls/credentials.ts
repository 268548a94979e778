import { isKeyshiftError, KeyshiftError } from '../errors/keyshift-error.ts';
import type { PrivateKey } from '../klaviyo/private-key.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import type { Connection } from '../model/connection.ts';
import type { Grant } from '../model/grant.ts';
import type { Store } from '../store/store.ts';
import type { TokenEngine } from '../tokens/token-engine.ts';
import { createRecentReads } from './recent-reads.ts';
import type { FallBackReporter } from './fall-back-reporter.ts';
import { createPolicyReader } from './route-policies.ts';
import {
  chooseRoute,
  recordsEvents,
  type RoutedCall,
  type RoutePolicies,
  type SentRoute,
} from '../model/route-policy.ts';

/** The credential that a connection's call is sent with. */
export type RoutedCredential = KeyCredential | OAuthCredential;

/** A customer's private key. */
export interface KeyCredential {
  readonly route: 'key';
  /** Who shares Klaviyo's limits with this credential. */
  readonly quota: string;
  readonly secret: PrivateKey;
}

/** An account's access token. */
export interface OAuthCredential {
  readonly route: 'oauth';
  readonly quota: string;
  readonly secret: Grant['accessToken'];
  readonly accountId: string;
  readonly generation: number;
}

/** Picks credentials by the route of a connection. */
export interface Credentials {
  /**
   * The credential for a call (or, without one, for whatever will be called), by the route that
   * {@link chooseRoute} gives it: at once where it is in memory. Where a switch, an exception or a
   * canary share chose a credential that the connection lacks, the other one does.
   *
   * @throws KeyshiftError `key_not_found` on the key route without a key, `grant_not_found`,
   * `grant_lost`, `upstream_*` on the OAuth route
   */
  forConnection(
    connection: Connection,
    call?: RoutedCall,
    signal?: AbortSignal,
  ): RoutedCredential | Promise<RoutedCredential>;
  /**
   * The grant of an account, for accounts that consented without being a customer's connection: at
   * once where it is in memory and fresh.
   */
  forAccount(accountId: string, signal?: AbortSignal): OAuthCredential | Promise<OAuthCredential>;
  /** After Klaviyo's 401 for an OAuth credential: a newer one, refreshed if need be. */
  afterUnauthorized(
    accountId: string,
    generation: number,
    signal?: AbortSignal,
  ): Promise<OAuthCredential>;
  /**
   * The key that a call may be repeated with after Klaviyo refused its grant. Undefined where
   * there is none, for calls that record events, and where an operator decided against it.
   * Whoever gets one sends the call: it is reported with `reason`.
   */
  fallBack(
    connection: Connection,
    call: RoutedCall,
    reason: string,
  ): Promise<KeyCredential | undefined>;
}

/** What {@link createCredentials} works with. */
export interface CredentialsOptions {
  readonly store: Store;
  readonly tokens: TokenEngine;
  readonly clientId: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Told of every call that goes out by key after OAuth was refused. */
  readonly onFallBack?: FallBackReporter;
}

const capacity = 10_000;

/** Whether the key is used at all is the route's to say, which is read more often. */
const keyAgeMs = 5_000;

/** For whoever takes a token without saying what for: no exception applies, and no canary share. */
const noCall: RoutedCall = { method: 'POST', path: '', headers: {}, operation: undefined };

/** Creates the picker; the one place where a route becomes a credential. */
export function createCredentials(options: CredentialsOptions): Credentials {
  const { store, tokens, clientId, clock, random } = options;
  const readPolicies = createPolicyReader(store, clock);
  const keys = createRecentReads<KeyCredential | undefined>({
    ...{ clock, maxAgeMs: keyAgeMs, capacity, version: () => store.version() },
  });
  /** Made once for each generation of a grant that is in memory. */
  const made = new WeakMap<Grant, OAuthCredential>();

  function toCredential(grant: Grant): OAuthCredential {
    let credential = made.get(grant);
    if (!credential) made.set(grant, (credential = makeCredential(grant)));
    return credential;
  }

  function forAccount(accountId: string, signal?: AbortSignal) {
    const key = { clientId, accountId };
    const held = tokens.freshGrant(key);
    return held ? toCredential(held) : tokens.liveGrant(key, signal).then(toCredential);
  }

  function findKey({ id, accountId }: Connection) {
    return keys.get(id, async () => {
      const secret = await store.privateKeys.open(id);
      return secret && { route: 'key', quota: `key ${accountId ?? id}`, secret };
    });
  }

  function forRoute(
    route: SentRoute,
    connection: Connection,
    signal?: AbortSignal,
  ): RoutedCredential | Promise<RoutedCredential> {
    const { customerId, accountId } = connection;
    if (route === 'oauth') {
      if (accountId !== undefined) return forAccount(accountId, signal);
      return Promise.reject(
        new KeyshiftError(
          'grant_not_found',
          `The account of customer ${customerId} is still unknown.`,
        ),
      );
    }
    const found = findKey(connection);
    return found && !(found instanceof Promise) ? found : requireKey(customerId, found);
  }

  /** The other credential will do, where neither the connection nor the caller chose this one. */
  function orOther(
    picked: RoutedCredential | Promise<RoutedCredential>,
    route: SentRoute,
    connection: Connection,
    signal?: AbortSignal,
  ): RoutedCredential | Promise<RoutedCredential> {
    if (!(picked instanceof Promise)) return picked;
    return picked.catch((error: unknown) => {
      if (!lacksCredential(error)) throw error;
      return forRoute(route === 'key' ? 'oauth' : 'key', connection, signal);
    });
  }

  function pick(
    policies: RoutePolicies,
    connection: Connection,
    call: RoutedCall,
    signal?: AbortSignal,
  ): RoutedCredential | Promise<RoutedCredential> {
    const { route, own } = chooseRoute(connection, call, policies, random);
    const picked = forRoute(route, connection, signal);
    return own ? picked : orOther(picked, route, connection, signal);
  }

  return {
    forConnection(connection, call = noCall, signal) {
      const policies = readPolicies();
      return policies instanceof Promise
        ? policies.then((known) => pick(known, connection, call, signal))
        : pick(policies, connection, call, signal);
    },
    forAccount,
    afterUnauthorized: async (accountId, generation, signal) =>
      toCredential(await tokens.afterUnauthorized({ clientId, accountId }, generation, signal)),
    async fallBack(connection, call, reason) {
      const { fallBack, routeSwitch } = await readPolicies();
      if (!fallBack || routeSwitch === 'oauth' || recordsEvents(call)) return undefined;
      const key = await findKey(connection);
      if (key) options.onFallBack?.(connection, call.operation?.id, reason);
      return key;
    },
  };
}

async function requireKey(
  customerId: string,
  found: Promise<KeyCredential | undefined> | undefined,
): Promise<KeyCredential> {
  const credential = await found;
  if (credential) return credential;
  throw new KeyshiftError('key_not_found', `Customer ${customerId} has no private key.`);
}

/** Whether Klaviyo refuses the grant as such: a call that may, goes out by key. */
export function isGrantRefused(
  error: unknown,
): error is KeyshiftError<'grant_lost' | 'token_refused'> {
  return isKeyshiftError(error, 'grant_lost') || isKeyshiftError(error, 'token_refused');
}

/** Whether there is no such credential, or none that is alive. */
function lacksCredential(error: unknown): boolean {
  return (
    isKeyshiftError(error, 'key_not_found') ||
    isKeyshiftError(error, 'grant_not_found') ||
    isKeyshiftError(error, 'grant_lost')
  );
}

function makeCredential(grant: Grant): OAuthCredential {
  const { accessToken: secret, accountId, generation } = grant;
  return { route: 'oauth', quota: `oauth ${accountId}`, secret, accountId, generation };
}
