import { isKeyshiftError, KeyshiftError } from '../errors/keyshift-error.ts';
import type { PrivateKey } from '../klaviyo/private-key.ts';
import type { Connection } from '../model/connection.ts';
import type { Grant } from '../model/grant.ts';
import type { StoredKey } from '../model/private-key.ts';
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

/** A private key with the connection whose account it was proved for: no other way makes one. */
export class KeyCredential {
  readonly route = 'key';
  /** Who shares Klaviyo's limits with this credential. */
  readonly quota: string;
  /** Absent where neither the key nor the connection was asked about yet. */
  readonly accountId: string | undefined;
  readonly #secret: PrivateKey;

  private constructor({ id, accountId }: CredentialOwner, secret: PrivateKey) {
    this.quota = `key ${accountId ?? id}`;
    this.accountId = accountId;
    this.#secret = secret;
  }

  /** Returns `undefined` when the key was proved for another account, or for none yet. */
  static pair(owner: CredentialOwner, stored: StoredKey): KeyCredential | undefined {
    if (stored.accountId !== owner.accountId) return undefined;
    return new KeyCredential(owner, stored.secret);
  }

  get secret(): PrivateKey {
    return this.#secret;
  }
}

/** Whose key it is. */
export type CredentialOwner = Pick<Connection, 'id' | 'accountId'>;

/** An access token of the account that it was asked for: no other way makes one. */
export class OAuthCredential {
  readonly route = 'oauth';
  readonly quota: string;
  readonly accountId: string;
  readonly generation: number;
  readonly #secret: Grant['accessToken'];

  private constructor({ accessToken, accountId, generation }: Grant) {
    this.quota = `oauth ${accountId}`;
    this.accountId = accountId;
    this.generation = generation;
    this.#secret = accessToken;
  }

  /** @throws KeyshiftError `internal` for a grant of another account, which nothing stores */
  static pair(accountId: string, grant: Grant): OAuthCredential {
    if (grant.accountId === accountId) return new OAuthCredential(grant);
    throw new KeyshiftError('internal', 'A grant was found under an account that is not its own.');
  }

  get secret(): Grant['accessToken'] {
    return this.#secret;
  }
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
  /**
   * The private key of a connection whose account it was proved for; `undefined` when there is
   * none.
   */
  provedKey(connection: Connection): Promise<KeyCredential | undefined>;
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

  function toCredential(accountId: string, grant: Grant): OAuthCredential {
    let credential = made.get(grant);
    if (credential?.accountId !== accountId) {
      made.set(grant, (credential = OAuthCredential.pair(accountId, grant)));
    }
    return credential;
  }

  async function forAccount(accountId: string, patience = patient): Promise<OAuthCredential> {
    const key = { clientId, accountId };
    const grant = tokens.freshGrant(key) ?? (await tokens.liveGrant(key, patience.signal));
    return toCredential(accountId, grant);
  }

  /** A new key or account is a new version of the connection: no key outlives what it was read for. */
  async function findKey(connection: Connection): Promise<KeyCredential | undefined> {
    if (connection.key !== 'held') return undefined;
    return keys.get(`${connection.id} ${connection.version}`, () => readKey(connection));
  }

  async function readKey(connection: Connection): Promise<KeyCredential | undefined> {
    const stored = await store.privateKeys.openStored(connection.id);
    const key = stored && KeyCredential.pair(connection, stored);
    if (key || !stored) return key;
    // The key changed after the connection was read.
    const current = await store.connections.findById(connection.id);
    const anew = await store.privateKeys.openStored(connection.id);
    return current && anew && KeyCredential.pair(current, anew);
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
      throw new KeyshiftError(
        'key_not_found',
        connection.key === 'foreign'
          ? `The private key of customer ${customerId} was not proved for the account of its connection.`
          : `Customer ${customerId} has no private key.`,
      );
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
    provedKey: async (connection) =>
      connection.accountId === undefined ? undefined : findKey(connection),
    forAccount,
    afterUnauthorized: async (accountId, generation, { signal } = patient) =>
      toCredential(
        accountId,
        await tokens.afterUnauthorized({ clientId, accountId }, generation, signal),
      ),
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
