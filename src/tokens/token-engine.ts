import { isKeyshiftError, KeyshiftError } from '../errors/keyshift-error.ts';
import type { OAuthClient } from '../oauth/oauth-client.ts';
import type { GrantedTokens, TokenOutcome } from '../oauth/token-outcome.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Secret } from '../runtime/secret.ts';
import type { Grant, TokenPair } from '../store/records.ts';
import type { GrantKey, Store } from '../store/store.ts';

/** Gives out access tokens that are alive, and is the only place that spends refresh tokens. */
export interface TokenEngine {
  /**
   * The grant of an account with an access token that stays valid for a while; refreshed first
   * when it would not.
   *
   * @throws KeyshiftError `grant_not_found`, `grant_lost`, `client_rejected`, or `upstream_*`
   * when a refresh was due and Klaviyo could not be asked
   */
  liveGrant(key: GrantKey): Promise<Grant>;
  /**
   * To be called when Klaviyo answered 401 for the token of `generation`: answers a newer one if
   * the store holds it, else refreshes once.
   */
  afterUnauthorized(key: GrantKey, generation: number): Promise<Grant>;
  /**
   * Spends a refresh token that a caller brought. A token of a stored grant is refreshed there,
   * so that the store stays right; any other is passed to Klaviyo and nothing is stored.
   */
  refreshByToken(refreshToken: Secret<'refresh_token'>): Promise<TokenPair>;
  /** Resolves when no refresh is on the wire. */
  drain(): Promise<void>;
}

/** What {@link createTokenEngine} works with. */
export interface TokenEngineOptions {
  readonly store: Store;
  readonly oauth: OAuthClient;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A token with less than this left is refreshed first; 120,000 by default. */
  readonly refreshAheadMs?: number;
  /** Told once for every grant that is found dead. */
  readonly onLost?: (grant: Grant) => Promise<void>;
}

/**
 * Creates the engine. Callers that ask for the same grant at the same time share one refresh,
 * which goes on when they go away: its answer may be the only copy of a rotated token.
 *
 * @example
 * ```ts
 * const engine = createTokenEngine({ store, oauth, clock, logger });
 * const { accessToken } = await engine.liveGrant({ clientId, accountId: 'AbC123' });
 * ```
 */
export function createTokenEngine(options: TokenEngineOptions): TokenEngine {
  const { store, oauth, clock, logger } = options;
  const refreshAheadMs = options.refreshAheadMs ?? 120_000;
  const inFlight = new Map<string, Promise<unknown>>();

  function share<Result>(id: string, start: () => Promise<Result>): Promise<Result> {
    const running = inFlight.get(id) as Promise<Result> | undefined;
    if (running) return running;
    const started = start().finally(() => inFlight.delete(id));
    inFlight.set(id, started);
    return started;
  }

  async function find(key: GrantKey): Promise<Grant> {
    const grant = await store.grants.find(key);
    if (!grant) {
      throw new KeyshiftError('grant_not_found', `Account ${key.accountId} has no grant.`);
    }
    return assertActive(grant);
  }

  function refresh(grant: Grant): Promise<Grant> {
    return share(grant.id, async () => {
      // Read again: another process may have refreshed since the caller looked.
      const current = assertActive((await store.grants.findById(grant.id)) ?? grant);
      if (current.generation !== grant.generation) return current;
      const outcome = await oauth.refresh(current.refreshToken);
      if (outcome.kind === 'granted') return save(current, outcome.tokens);
      if (outcome.kind === 'grant_rejected') return recoverOrLose(current, outcome);
      throw toError(outcome);
    });
  }

  async function save(grant: Grant, tokens: GrantedTokens): Promise<Grant> {
    const pair = toTokenPair(tokens, grant, clock.now());
    const saved = await store.grants.saveRefreshed(grant.id, grant.generation, pair);
    if (saved) return saved;
    return assertActive((await store.grants.findById(grant.id)) ?? grant);
  }

  async function recoverOrLose(
    grant: Grant,
    outcome: Extract<TokenOutcome, { kind: 'grant_rejected' }>,
  ): Promise<Grant> {
    const latest = await store.grants.findById(grant.id);
    if (latest && latest.generation !== grant.generation) return assertActive(latest);
    if (await store.grants.markState(grant.id, grant.generation, 'lost')) {
      logger.warn({ account: grant.accountId, reason: outcome.error }, 'grant lost');
      await options.onLost?.(grant);
    }
    throw new KeyshiftError('grant_lost', describeRejection(outcome));
  }

  function isFresh(grant: Grant): boolean {
    return grant.expiresAtMs === undefined || grant.expiresAtMs - clock.now() > refreshAheadMs;
  }

  return {
    async liveGrant(key) {
      const grant = await find(key);
      if (isFresh(grant)) return grant;
      return refresh(grant).catch((error: unknown) => {
        // A token that still lives is better than none, whatever became of the refresh.
        const alive = grant.expiresAtMs !== undefined && grant.expiresAtMs > clock.now();
        if (!alive || isKeyshiftError(error, 'grant_lost')) throw error;
        return grant;
      });
    },
    async afterUnauthorized(key, generation) {
      const grant = await find(key);
      return grant.generation === generation ? await refresh(grant) : grant;
    },
    async refreshByToken(refreshToken) {
      const grant = await store.grants.findByRefreshToken(oauth.clientId, refreshToken);
      if (grant?.state === 'active') {
        return refresh(grant).catch((error: unknown) => {
          // The caller asked about a token, not about a grant.
          if (!isKeyshiftError(error, 'grant_lost')) throw error;
          throw new KeyshiftError('refresh_token_rejected', error.message, { cause: error });
        });
      }
      return share(`unstored:${refreshToken.reveal()}`, async () => {
        const outcome = await oauth.refresh(refreshToken);
        if (outcome.kind === 'granted') {
          return toTokenPair(outcome.tokens, { refreshToken, scope: '' }, clock.now());
        }
        throw toError(outcome);
      });
    },
    async drain() {
      await Promise.allSettled(inFlight.values());
    },
  };
}

/** Ten years: beyond it a lifetime is a mistake, and no date that a database holds. */
const longestLifeSec = 315_360_000;

/** Completes what a token answer may leave out with what is known already. */
export function toTokenPair(
  tokens: GrantedTokens,
  known: Pick<TokenPair, 'refreshToken' | 'scope'>,
  nowMs: number,
): TokenPair {
  return {
    accessToken: tokens.accessToken,
    refreshToken: tokens.refreshToken ?? known.refreshToken,
    scope: tokens.scope ?? known.scope,
    expiresAtMs:
      tokens.expiresInSec === undefined
        ? undefined
        : nowMs + Math.floor(Math.min(tokens.expiresInSec, longestLifeSec) * 1000),
    obtainedAtMs: nowMs,
  };
}

/** The error that a caller sees for an outcome without tokens. */
export function toError(outcome: Exclude<TokenOutcome, { kind: 'granted' }>): KeyshiftError {
  switch (outcome.kind) {
    case 'grant_rejected':
    case 'request_rejected':
      return new KeyshiftError('refresh_token_rejected', describeRejection(outcome));
    case 'client_rejected':
      return new KeyshiftError('client_rejected', describeRejection(outcome));
    case 'transient': {
      const { status, reason, retryAfterSec } = outcome;
      const retry = retryAfterSec === undefined ? {} : { retryAfterSec };
      const message = `The token endpoint gave no verdict: ${reason}.`;
      if (status === 429) return new KeyshiftError('upstream_throttled', message, retry);
      if (status === 503) return new KeyshiftError('upstream_unavailable', message, retry);
      if (status === 504) return new KeyshiftError('upstream_timeout', message, retry);
      if (status === 502) return new KeyshiftError('upstream_unreachable', message, retry);
      return new KeyshiftError('upstream_unreadable', message, retry);
    }
    default:
      return outcome satisfies never;
  }
}

function describeRejection(outcome: { error: string; description: string }): string {
  return `Klaviyo answered ${outcome.error}${outcome.description && `: ${outcome.description}`}`;
}

function assertActive(grant: Grant): Grant {
  if (grant.state === 'active') return grant;
  throw new KeyshiftError(
    'grant_lost',
    `The grant of account ${grant.accountId} is ${grant.state}.`,
  );
}
