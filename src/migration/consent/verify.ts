import type { AccountLookup, LookUpGrant } from '../../calls/account-lookup.ts';
import { isKeyshiftError, KeyshiftError } from '../../errors/keyshift-error.ts';
import type { KlaviyoAccount } from '../../klaviyo/account.ts';
import { missingScopes, parseScopes } from '../../klaviyo/scope-set.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Logger } from '../../runtime/logger.ts';
import type { VerificationCheck } from '../../model/verification.ts';
import { backToKey, byOAuth, type Connection } from '../../model/connection.ts';
import type { Grant } from '../../model/grant.ts';
import { awaitsConsent, hasMoved } from '../../model/stages.ts';
import type { Store } from '../../store/store.ts';
import type { TokenEngine } from '../../tokens/token-engine.ts';
import { checkReads, type CheckResult, type ReadChecksOptions } from './read-checks.ts';
import { retryConflict, type StageMachine } from '../stage-machine.ts';

/** What the checks of a consent came to. */
export interface Verification {
  /** As it stands after the checks. */
  readonly connection: Connection;
  /**
   * `unclear`: Klaviyo gave no answer to something; nothing was changed, ask again. `outdated`: the
   * connection belongs to another account since; what was found is not about it, and is not kept.
   */
  readonly verdict: 'verified' | 'failed' | 'unclear' | 'outdated';
  readonly checks: readonly VerificationCheck[];
}

/** What {@link createVerify} works with. */
export interface VerifyOptions extends Omit<ReadChecksOptions, 'signal'> {
  readonly store: Store;
  readonly machine: StageMachine;
  readonly tokens: TokenEngine;
  readonly lookUpGrant: LookUpGrant;
  readonly clientId: string;
  /** The scopes that are needed, space separated: `KLAVIYO_SCOPES`. */
  readonly scope: string;
  readonly clock: Clock;
}

/** Who asks for a verification, and what is known already. */
export interface VerifyRequest {
  readonly actor: string;
  /** Learned with this grant's token a moment ago: `/api/accounts` allows one call a second. */
  readonly account?: KlaviyoAccount;
  readonly signal?: AbortSignal;
}

/**
 * Checks a connection's grant: every needed scope is granted, Klaviyo names the right account, and
 * one cheap read for each read scope works. The results are stored. A connection that waited for
 * this moves on to `verified`; one that fails gets attention with the reason, its traffic stays
 * where it is.
 *
 * @throws KeyshiftError `grant_not_found`, `grant_lost`, `client_rejected`, `upstream_*` when no
 * token could be had
 */
export type Verify = (connection: Connection, request: VerifyRequest) => Promise<Verification>;

/** Creates the service. */
export function createVerify(options: VerifyOptions): Verify {
  const { store, machine, tokens, lookUpGrant, clientId, clock, scope } = options;

  return async (connection, { actor, account, signal }) => {
    const { accountId } = connection;
    if (accountId === undefined) {
      throw new KeyshiftError(
        'grant_not_found',
        `The account of customer ${connection.customerId} is still unknown.`,
      );
    }
    const grant = await tokens.liveGrant({ clientId, accountId }, signal);
    const results = [
      checkScopes(scope, grant),
      await checkAccount(accountId, account, signal),
      ...(await checkReads(accountId, heldOf(scope, grant), { ...options, signal })),
    ];
    const atMs = clock.now();
    const checks = results.map((result): VerificationCheck => ({ ...result, atMs }));
    return record(connection, checks, actor);
  };

  async function checkAccount(
    accountId: string,
    known: KlaviyoAccount | undefined,
    signal: AbortSignal | undefined,
  ): Promise<CheckResult> {
    try {
      if (known) return readAccount(accountId, { kind: 'found', account: known });
      return readAccount(accountId, await lookUpGrant(accountId, signal));
    } catch (error) {
      signal?.throwIfAborted();
      if (!isKeyshiftError(error) || error.kind === 'grant') throw error;
      return { kind: 'account', verdict: 'unclear', reason: undefined, detail: error.message };
    }
  }

  async function record(
    connection: Connection,
    checks: readonly VerificationCheck[],
    actor: string,
  ): Promise<Verification> {
    const failed = checks.filter(({ verdict }) => verdict === 'failed');
    const unclear = checks.some(({ verdict }) => verdict === 'unclear');
    const verdict = failed.length > 0 ? 'failed' : unclear ? 'unclear' : 'verified';
    return retryConflict(() =>
      store.transaction(async (tx): Promise<Verification> => {
        const current = await tx.connections.findById(connection.id);
        if (!current) {
          throw new KeyshiftError('connection_not_found', 'The connection no longer exists.');
        }
        if (current.accountId !== connection.accountId) {
          return { connection: current, verdict: 'outdated', checks };
        }
        await tx.verifications.replace(current.id, checks);
        const after =
          verdict === 'verified'
            ? await settleVerified(tx, current, { machine, clock, actor })
            : await flagFailed(tx, current, failed, actor);
        return { connection: after, verdict, checks };
      }),
    );
  }

  async function flagFailed(
    tx: Store,
    connection: Connection,
    failed: readonly VerificationCheck[],
    actor: string,
  ): Promise<Connection> {
    const flag = failed[0]?.reason;
    if (!flag) return connection;
    const reason = failed.map(({ detail }) => detail).join('; ');
    const change = connection.route === 'canary' ? { way: backToKey(connection) } : {};
    return machine.flag(tx, connection, flag, { actor, reason, change });
  }
}

function heldOf(needed: string, grant: Grant): string[] {
  const missing = new Set(missingScopes(needed, grant.scope));
  return parseScopes(needed).filter((scope) => !missing.has(scope));
}

function checkScopes(needed: string, grant: Grant): CheckResult {
  const kind = 'scopes';
  const missing = missingScopes(needed, grant.scope);
  if (missing.length > 0) {
    const detail = `not granted: ${missing.join(', ')}`;
    return { kind, verdict: 'failed', reason: 'scope_missing', detail };
  }
  const count = parseScopes(needed).length;
  const detail =
    count === 1 ? 'the required scope is granted' : `all ${count} required scopes are granted`;
  return { kind, verdict: 'passed', reason: undefined, detail };
}

function readAccount(accountId: string, lookup: AccountLookup): CheckResult {
  const kind = 'account';
  switch (lookup.kind) {
    case 'found': {
      const actual = lookup.account.accountId;
      if (actual === accountId) {
        return { kind, verdict: 'passed', reason: undefined, detail: `Klaviyo names ${actual}` };
      }
      const detail = `Klaviyo names ${actual}, not ${accountId}`;
      return { kind, verdict: 'failed', reason: 'account_mismatch', detail };
    }
    case 'forbidden': {
      const scopes = lookup.missingScopes.join(', ') || 'accounts:read';
      const detail = `the account cannot be read: missing ${scopes}`;
      return { kind, verdict: 'failed', reason: 'scope_missing', detail };
    }
    case 'rejected': {
      const detail = 'Klaviyo rejects a token that it has just issued';
      return { kind, verdict: 'unclear', reason: undefined, detail };
    }
    default:
      return lookup satisfies never;
  }
}

interface SettleOptions {
  readonly machine: StageMachine;
  readonly clock: Clock;
  readonly actor: string;
}

/** Moves a connection on whose grant has just passed every check, in the transaction of `store`. */
export async function settleVerified(
  store: Store,
  connection: Connection,
  { machine, clock, actor }: SettleOptions,
): Promise<Connection> {
  const cause = { actor };
  if (connection.attentionReason === 'oauth_errors') return endHold(connection);
  if (connection.stage !== 'authorized' && !awaitsConsent(connection)) return connection;
  const authorized =
    connection.stage === 'authorized'
      ? connection
      : await machine.move(store, connection, 'authorized', cause);
  const verified = await machine.move(store, authorized, 'verified', cause);
  if (verified.key === 'held' && verified.route !== 'oauth') return verified;
  // Nothing to cut over from: the connection never had a key, or was on OAuth before.
  return machine.move(store, verified, 'live', {
    actor,
    reason: whyLive(verified),
    change: { way: byOAuth(verified, clock.now()) },
  });

  /** The errors that were counted before must not hold it again at once. */
  function endHold(
    held: Extract<Connection, { readonly stage: 'attention' }>,
  ): Promise<Connection> {
    const to = held.attentionFrom;
    if (!hasMoved({ stage: to }) || held.route !== 'oauth') {
      return machine.move(store, held, 'verified', { ...cause, reason: 'hold ended' });
    }
    const change = { way: byOAuth(held, clock.now()) };
    return machine.move(store, held, to, { ...cause, reason: 'hold ended', change });
  }
}

function whyLive({ key, liveSinceMs }: Connection): string {
  if (key === 'foreign') return 'its private key is not of this account';
  return liveSinceMs === undefined ? 'no private key' : 'consent renewed';
}

/**
 * Checks a connection whose consent was just saved. The consent stands whatever the checks say:
 * what has no answer now is asked again later, and answers `undefined`, as does a connection that
 * waits for no check.
 */
export type VerifyAfterConsent = (
  connection: Connection,
  account: KlaviyoAccount,
) => Promise<Verification | undefined>;

/** Creates the check. */
export function createVerifyAfterConsent(
  verify: Verify,
  logger: Pick<Logger, 'warn'>,
): VerifyAfterConsent {
  return async (connection, account) => {
    if (connection.stage !== 'authorized') return undefined;
    try {
      return await verify(connection, { actor: 'system', account });
    } catch (error) {
      if (!isKeyshiftError(error)) throw error;
      logger.warn({ customer: connection.customerId, reason: error.message }, 'not verified yet');
      return undefined;
    }
  };
}
