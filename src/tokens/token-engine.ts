import { isKeyshiftError, KeyshiftError } from '../errors/keyshift-error.ts';
import type { OAuthClient } from '../oauth/oauth-client.ts';
import { abortable } from '../runtime/abortable.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Random } from '../runtime/random.ts';
import { resultWithin } from '../runtime/result-within.ts';
import type { Secret } from '../runtime/secret.ts';
import { isFresh, isUsable, type Grant, type TokenPair } from '../model/grant.ts';
import type { GrantKey } from '../store/grants.ts';
import type { Store } from '../store/store.ts';
import { createClientBreaker } from './client-breaker.ts';
import { createGrantCache, type GrantCache } from './grant-cache.ts';
import { createUnsavedPairs } from './pair-saver.ts';
import {
  assertActive,
  createRefreshAttempt,
  withinBudget,
  type OnRefreshStep,
} from './refresh-attempt.ts';
import { createRefreshCoordinator } from './refresh-coordinator.ts';
import {
  createOutcomeCounters,
  toError,
  toTokenPair,
  type OutcomeCounters,
} from './refresh-outcome.ts';
import {
  assertOrdered,
  coolDownMs,
  defaultBudgets,
  type RefreshBudgets,
} from './refresh-policy.ts';

/** Gives out access tokens that are alive, and is the only place that spends refresh tokens. */
export interface TokenEngine {
  /** The grant that {@link TokenEngine.liveGrant} would return without reading or waiting. */
  freshGrant(key: GrantKey): Grant | undefined;
  /**
   * The grant of an account with an access token to use now. One that is about to expire is given
   * out while its successor is fetched; one that is dead is refreshed first.
   *
   * @param signal ends the caller's wait, never the refresh
   * @throws KeyshiftError `grant_not_found`, `grant_lost`, `client_rejected`, or `upstream_*`
   * when a refresh was due and Klaviyo could not be asked
   */
  liveGrant(key: GrantKey, signal?: AbortSignal): Promise<Grant>;
  /**
   * To be called when Klaviyo answered 401 for the token of `generation`: returns a newer one if
   * the store holds it, else refreshes once.
   *
   * @throws KeyshiftError `token_refused` straight after a good refresh: that is the provider's
   * fault, and refreshing again is no cure; else as {@link TokenEngine.liveGrant}
   */
  afterUnauthorized(key: GrantKey, generation: number, signal?: AbortSignal): Promise<Grant>;
  /**
   * Spends a refresh token that a caller brought. A token of a stored grant is refreshed there,
   * so that the store stays right; any other is passed to Klaviyo and nothing is stored.
   */
  refreshByToken(refreshToken: Secret<'refresh_token'>): Promise<TokenPair>;
  /** Refreshes a grant that was claimed from the store for `owner`. For the sweeper. */
  refreshClaimed(grant: Grant, owner: string): Promise<Grant>;
  /**
   * Ends a grant at Klaviyo, which uninstalls the app there. A refresh on the wire is waited for:
   * the refresh token that it replaces would revoke nothing any more.
   *
   * @returns whether there was an active grant and it is revoked now
   * @throws KeyshiftError `upstream_*`, `client_rejected`; nothing was changed then
   */
  endGrant(key: GrantKey): Promise<boolean>;
  /** Forgets what this process holds in memory about an account, after something else changed it. */
  forget(key: GrantKey): void;
  readonly counters: OutcomeCounters;
  readonly budgets: RefreshBudgets;
  /**
   * Resolves when no refresh is on the wire. Pairs that wait for the database are tried once more
   * and given up.
   */
  drain(): Promise<void>;
}

/** What {@link createTokenEngine} works with. */
export interface TokenEngineOptions {
  readonly store: Store;
  readonly oauth: OAuthClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly budgets?: RefreshBudgets;
  /** Grants kept open in memory; 20,000 by default. */
  readonly cacheCapacity?: number;
  /** Told once for every grant that is found dead, with the transaction that marks it. */
  readonly onLost?: (grant: Grant, tx: Store) => Promise<void>;
  /**
   * Told when a pair was saved by a holder whose lease had ended: the grant may have been called
   * lost meanwhile, and lives.
   */
  readonly onRegained?: (grant: Grant) => Promise<void>;
  /** Told of every step of every refresh. For tests that kill the process there. */
  readonly onStep?: OnRefreshStep;
}

/** How long a caller waits for the database while its token is in memory and good. */
const patienceMs = 250;

/**
 * Creates the engine. However many callers in however many processes ask for one expired grant,
 * there is one refresh: in this process they share a promise, between processes a lease on the
 * grant's row. The refresh goes on when its callers go away.
 *
 * @throws RangeError when the budgets are not ordered
 * @example
 * ```ts
 * const engine = createTokenEngine({ store, oauth, clock, random, logger });
 * const { accessToken } = await engine.liveGrant({ clientId, accountId: 'AbC123' });
 * ```
 */
export function createTokenEngine(options: TokenEngineOptions): TokenEngine {
  const { store, oauth, clock, logger } = options;
  const find = (key: GrantKey) => findActive(store, key);
  const budgets = options.budgets ?? defaultBudgets;
  assertOrdered(budgets);
  const cache = createGrantCache(options.cacheCapacity ?? 20_000);
  const { flights, breaker, counters, coordinator, unsaved } = createMachinery(options, budgets);
  const read = createReader({ find, cache, flights, clock });

  function refresh(
    grant: Grant,
    advance = () => coordinator.advance(grant),
    { id = grant.id, owner }: { readonly id?: string; readonly owner?: string } = {},
  ): Promise<Grant> {
    return flights.share(id, async () => {
      try {
        // Klaviyo may honour no refresh token but the one that waits for the database.
        const saved = await unsaved.retry(grant.id, owner);
        const advanced = saved && saved !== 'superseded' ? saved : await advance();
        cache.put(advanced, clock.now());
        return advanced;
      } catch (error) {
        cache.drop(grant);
        throw error;
      }
    });
  }

  /** Fetches the next token while the one at hand serves its last minutes. */
  function refreshInBackground(grant: Grant): void {
    if (flights.has(grant.id) || (grant.failure?.retryAtMs ?? 0) > clock.now()) return;
    refresh(grant).catch((error: unknown) => {
      logger.debug({ err: error, account: grant.accountId }, 'refresh ahead of expiry failed');
    });
  }

  async function refreshUnstored(refreshToken: Secret<'refresh_token'>): Promise<TokenPair> {
    const { httpMs: budgetMs } = budgets;
    const outcome = await withinBudget(oauth.refresh(refreshToken), { budgetMs, clock });
    if (outcome.kind === 'client_rejected') throw breaker.trip(toError(outcome).message);
    if (outcome.kind !== 'granted') throw toError(outcome);
    breaker.reset();
    return toTokenPair(outcome.tokens, { refreshToken, scope: '' }, clock.now());
  }

  return {
    freshGrant: (key) => cache.getFresh(key, clock.now()),

    async liveGrant(key, signal) {
      const nowMs = clock.now();
      const cached = cache.getFresh(key, nowMs);
      if (cached) return cached;
      const grant = await read(key);
      if (!isUsable(grant, clock.now())) return abortable(refresh(grant), signal);
      if (!isFresh(grant, clock.now())) refreshInBackground(grant);
      return grant;
    },

    async afterUnauthorized(key, generation, signal) {
      const grant = await find(key);
      if (grant.generation !== generation) {
        cache.put(grant, clock.now());
        return grant;
      }
      if (isJustRefreshed(grant, clock.now()) && !flights.has(grant.id)) {
        throw new KeyshiftError(
          'token_refused',
          `Klaviyo rejects the token of account ${key.accountId} although it was just issued.`,
        );
      }
      return abortable(refresh(grant), signal);
    },

    async refreshByToken(refreshToken) {
      const grant = await store.grants.findByRefreshToken(oauth.clientId, refreshToken);
      if (grant?.state === 'active') {
        const advance = () => coordinator.advance(grant, 'urgent');
        return refresh(grant, advance).catch((error: unknown) => {
          // The caller asked about a token, not about a grant.
          if (!isKeyshiftError(error, 'grant_lost')) throw error;
          throw new KeyshiftError('refresh_token_rejected', error.message, { cause: error });
        });
      }
      return flights.share(`unstored ${refreshToken.reveal()}`, () =>
        refreshUnstored(refreshToken),
      );
    },

    refreshClaimed(grant, owner) {
      const advance = () => coordinator.advanceClaimed(grant, owner);
      // A flight under way here waits for the very lease that `owner` holds: never join it.
      const id = flights.has(grant.id) ? `${grant.id} claimed by ${owner}` : grant.id;
      return refresh(grant, advance, { id, owner });
    },
    async endGrant(key) {
      const held = await coordinator.hold(async () => {
        const grant = await store.grants.find(key);
        // Klaviyo may honour no refresh token but the one that waits for the database.
        const saved = grant && (await unsaved.retry(grant.id));
        return saved && saved !== 'superseded' ? saved : grant;
      });
      if (!held) return false;
      const { id, generation, refreshToken } = held.grant;
      try {
        await oauth.revoke(refreshToken);
      } catch (error) {
        await store.grants.releaseLease(id, held.owner);
        throw error;
      }
      cache.drop(key);
      return store.grants.markRevoked(id, generation);
    },
    forget: (key) => {
      cache.drop(key);
    },
    counters,
    budgets,
    drain() {
      unsaved.stop();
      return flights.drain();
    },
  };
}

/** What stands behind the engine: the lease, the attempt, the breaker and the counters. */
function createMachinery(options: TokenEngineOptions, budgets: RefreshBudgets) {
  const { store, oauth, clock, random, logger } = options;
  const counters = createOutcomeCounters();
  const flights = createSingleFlight();
  const breaker = createClientBreaker(clock, logger);
  const onStep = options.onStep ?? (() => undefined);
  const shared = { grants: store.grants, clock, random, budgets, breaker, onStep };
  const inBackground = (work: () => Promise<void>) => {
    flights.share(`background ${random.id()}`, work).catch((error: unknown) => {
      logger.error({ err: error }, 'a token pair from Klaviyo could not be saved and was given up');
    });
  };
  const unsaved = createUnsavedPairs({ clock, inBackground });
  const attempt = createRefreshAttempt({
    ...{ ...shared, oauth, logger, counters, unsaved, inBackground },
    transaction: (work) => store.transaction(work),
    onLost: options.onLost ?? (() => Promise.resolve()),
    onRegained: options.onRegained ?? (() => Promise.resolve()),
  });
  const coordinator = createRefreshCoordinator({ ...shared, attempt });
  return { flights, breaker, counters, coordinator, unsaved };
}

/** A consent may be followed by an uninstall at any time; a refresh has just proved the grant. */
function isJustRefreshed(grant: Grant, nowMs: number): boolean {
  return grant.obtainedAtMs > grant.consentedAtMs && nowMs - grant.obtainedAtMs < coolDownMs;
}

/** What {@link createReader} works with. */
interface ReaderOptions {
  readonly find: (key: GrantKey) => Promise<Grant>;
  readonly cache: GrantCache;
  readonly flights: SingleFlight;
  readonly clock: Clock;
}

/**
 * Reads a grant once for all who ask. A good token needs no database: whoever can be served from
 * memory waits a moment only for one that is slow or hangs, and not at all longer than it takes to
 * learn that it is away. The read goes on behind.
 */
function createReader({ find, cache, flights, clock }: ReaderOptions) {
  return async (key: GrantKey): Promise<Grant> => {
    const reading = flights.share(`read ${key.clientId} ${key.accountId}`, async () => {
      const readAtMs = clock.now();
      const grant = await find(key);
      if (isUsable(grant, readAtMs)) cache.put(grant, readAtMs);
      return grant;
    });
    const held = () => cache.getThroughOutage(key, clock.now());
    try {
      const inTime = held() ? await resultWithin(reading, patienceMs, clock) : undefined;
      return inTime?.value ?? held() ?? (await reading);
    } catch (error) {
      const grant = held();
      if (grant && isKeyshiftError(error, 'database_unavailable')) return grant;
      throw error;
    }
  };
}

async function findActive(store: Store, key: GrantKey): Promise<Grant> {
  const grant = await store.grants.find(key);
  if (!grant) {
    throw new KeyshiftError('grant_not_found', `Account ${key.accountId} has no grant.`);
  }
  return assertActive(grant);
}

/** Work that callers share: whoever asks for it while it runs gets its result. */
interface SingleFlight {
  /** Runs the work of `id`, or joins it. */
  share<Result>(id: string, start: () => Promise<Result>): Promise<Result>;
  has(id: string): boolean;
  /** Resolves when nothing runs any more. */
  drain(): Promise<void>;
}

function createSingleFlight(): SingleFlight {
  const inFlight = new Map<string, Promise<unknown>>();
  return {
    share<Result>(id: string, start: () => Promise<Result>): Promise<Result> {
      const running = inFlight.get(id) as Promise<Result> | undefined;
      if (running) return running;
      const started = start().finally(() => inFlight.delete(id));
      inFlight.set(id, started);
      return started;
    },
    has: (id) => inFlight.has(id),
    async drain() {
      while (inFlight.size > 0) await Promise.allSettled(inFlight.values());
    },
  };
}
