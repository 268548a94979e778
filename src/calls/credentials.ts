import { isKeyshiftError, KeyshiftError } from '../errors/keyshift-error.ts';
import type { PrivateKey } from '../klaviyo/private-key.ts';
import type { Connection } from '../model/connection.ts';
import type { Grant } from '../model/grant.ts';
import { chooseRoute, type RoutedCall, type SentRoute } from '../model/route-policy.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import type { Secret } from '../runtime/secret.ts';
import type { Store } from '../store/store.ts';
import type { TokenEngine } from '../tokens/token-engine.ts';
import type { FallBackReporter } from './fall-back-reporter.ts';
import { createRecentReads } from './recent-reads.ts';
import { createPolicyReader } from './route-policies.ts';

/** A secret of either kind, as it goes into `Authorization`. */
export type ApiCredential = Secret<'private_key'> | Secret<'access_token'>;

/** What a call is sent with. */
export type SentCredential = RoutedCredential | BareCredential;

/** The credential that a connection's call is sent with. */
export type RoutedCredential = KeyCredential | OAuthCredential;

/** A secret of which nothing else is known: no windows are kept for it, and nobody renews it. */
export interface BareCredential {
  readonly route: SentRoute;
  readonly quota: undefined;
  readonly secret: ApiCredential;
}

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

/** Whoever waits for a credential; the signal is asked for only where there is something to wait for. */
export interface Patience {
  readonly signal?: AbortSignal | undefined;
}

/** Picks credentials by the route of a connection. */
export interface Credentials {
  /**
   * The credential for a call (or, without one, for whatever will be called), by the route that
   * {@link chooseRoute} gives it. Where a switch, an exception or a canary share chose a credential
   * that the connection lacks, the other one does.
   *
   * @throws KeyshiftError `key_not_found` on the key route without a key, `grant_not_found`,
   * `grant_lost`, `upstream_*` on the OAuth route
   */
  forConnection(
    connection: Connection,
    call?: RoutedCall,
    patience?: Patience,
  ): Promise<RoutedCredential>;
  /** The grant of an account, for accounts that consented without being a customer's connection. */
  forAccount(accountId: string, patience?: Patience): Promise<OAuthCredential>;
  /** After Klaviyo's 401 for an OAuth credential: a newer one, refreshed if need be. */
  afterUnauthorized(
    accountId: string,
    generation: number,
    patience?: Patience,
  ): Promise<OAuthCredential>;
  /**
   * The key that a call may go out with after Klaviyo refused its grant. Undefined where there is
   * none, and where an operator decided against it. Whoever gets one sends the call: it is reported
   * with `reason`, once.
   */
  fallBack(
    connection: Connection,
    call: RoutedCall,
    reason: () => Promise<string>,
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

const patient: Patience = {};

/** Creates the picker; the one place where a route becomes a credential. */
export function createCredentials(options: CredentialsOptions): Credentials {
  const { store, tokens, clientId, clock, random } = options;
  const readPolicies = createPolicyReader(store, clock);
  const keys = createRecentReads<KeyCredential | undefined>({
    clock,
    maxAgeMs: keyAgeMs,
    capacity,
    version: () => store.version(),
  });
  /** Made once for each generation of a grant that is in memory. */
  const made = new WeakMap<Grant, OAuthCredential>();

  function toCredential(grant: Grant): OAuthCredential {
    let credential = made.get(grant);
    if (!credential) made.set(grant, (credential = makeCredential(grant)));
    return credential;
  }

  async function forAccount(accountId: string, patience = patient): Promise<OAuthCredential> {
    const key = { clientId, accountId };
    return toCredential(tokens.freshGrant(key) ?? (await tokens.liveGrant(key, patience.signal)));
  }

  async function findKey({ id, accountId }: Connection): Promise<KeyCredential | undefined> {
    return keys.get(id, async () => {
      const secret = await store.privateKeys.open(id);
      return secret && { route: 'key', quota: `key ${accountId ?? id}`, secret };
    });
  }

  async function forRoute(
    route: SentRoute,
    connection: Connection,
    patience: Patience,
  ): Promise<RoutedCredential> {
    const { customerId, accountId } = connection;
    if (route === 'key') {
      const key = await findKey(connection);
      if (key) return key;
      throw new KeyshiftError('key_not_found', `Customer ${customerId} has no private key.`);
    }
    if (accountId !== undefined) return forAccount(accountId, patience);
    throw new KeyshiftError(
      'grant_not_found',
      `The account of customer ${customerId} is still unknown.`,
    );
  }

  return {
    async forConnection(connection, call = noCall, patience = patient) {
      const { route, own } = chooseRoute(connection, call, await readPolicies(), random);
      try {
        return await forRoute(route, connection, patience);
      } catch (error) {
        // The other credential will do where neither the connection nor its caller chose this one.
        if (own || !lacksCredential(error)) throw error;
        return forRoute(route === 'key' ? 'oauth' : 'key', connection, patience);
      }
    },
    forAccount,
    afterUnauthorized: async (accountId, generation, { signal } = patient) =>
      toCredential(await tokens.afterUnauthorized({ clientId, accountId }, generation, signal)),
    async fallBack(connection, call, reason) {
      const { fallBack, routeSwitch } = await readPolicies();
      if (!fallBack || routeSwitch === 'oauth') return undefined;
      const key = await findKey(connection);
      if (key) options.onFallBack?.(connection, call.operation?.id, await reason());
      return key;
    },
  };
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
