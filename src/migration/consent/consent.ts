import type { AccountLookup, LookUpAccount } from '../../calls/account-lookup.ts';
import { isKeyshiftError, KeyshiftError } from '../../errors/keyshift-error.ts';
import { maskAccountId, type KlaviyoAccount } from '../../klaviyo/account.ts';
import { missingScopes } from '../../klaviyo/scope-set.ts';
import type { OAuthClient } from '../../oauth/oauth-client.ts';
import type { TokenOutcome } from '../../oauth/token-outcome.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Logger } from '../../runtime/logger.ts';
import type { Random } from '../../runtime/random.ts';
import type { Authorization } from '../../model/authorization.ts';
import type { Connection } from '../../model/connection.ts';
import type { TokenPair } from '../../model/grant.ts';
import { awaitsConsent } from '../../model/stages.ts';
import type { Store } from '../../store/store.ts';
import { toTokenPair } from '../../tokens/refresh-outcome.ts';
import { checkKey } from '../import/check-keys.ts';
import {
  assertStillInvited,
  createConsentRecorder,
  findBoundConnection,
} from './consent-recorder.ts';
import { retryConflict, type StageMachine } from '../stage-machine.ts';
import { createVerifyAfterConsent, type Verification, type Verify } from './verify.ts';

/** What a completed consent gave. */
export interface Consent {
  readonly pair: TokenPair;
  /** Absent when the token could not name its account; then nothing was stored. */
  readonly account: KlaviyoAccount | undefined;
  /** Connections of the account, moved on by the consent and verified as far as Klaviyo answered. */
  readonly connections: readonly Connection[];
  /** Scopes that were asked for and not granted; connections wait at `attention` then. */
  readonly missingScopes: readonly string[];
}

/** An account as its owner may see it. */
export interface AccountLabel {
  readonly name: string | undefined;
  readonly accountId: string;
}

/** The consent came from another account than the connection's; nothing was replaced. */
export class AccountMismatchError extends KeyshiftError<'account_mismatch'> {
  readonly expected: AccountLabel;
  readonly chosen: AccountLabel;

  constructor(expected: AccountLabel, chosen: AccountLabel) {
    const describe = ({ name, accountId }: AccountLabel) =>
      `${name ?? 'an account'} (${maskAccountId(accountId)})`;
    super(
      'account_mismatch',
      `This link is for ${describe(expected)}; but ${describe(chosen)} was chosen.`,
    );
    this.expected = expected;
    this.chosen = chosen;
  }
}

/** Why the token endpoint gave no tokens for an authorization code. */
export type ExchangeFailure =
  /** The code was used before, is too old, or belongs to another request. */
  | 'code_refused'
  /** The app's own credentials were refused: nothing a customer can mend. */
  | 'client_refused'
  | 'request_refused'
  /** The reply is no verdict, or none came. */
  | 'no_verdict'
  /** The reply holds no refresh token, without which there is no grant. */
  | 'no_refresh_token';

/** The code could not be exchanged; nothing was stored. */
export class ExchangeFailedError extends KeyshiftError<'exchange_failed'> {
  readonly reason: ExchangeFailure;

  constructor(reason: ExchangeFailure, message: string) {
    const fix = 'Check CLIENT_ID and CLIENT_SECRET against the app in Klaviyo.';
    super('exchange_failed', message, reason === 'client_refused' ? { fix } : {});
    this.reason = reason;
  }
}

const failureOf = {
  grant_rejected: 'code_refused',
  client_rejected: 'client_refused',
  request_rejected: 'request_refused',
  transient: 'no_verdict',
} as const satisfies Record<Exclude<TokenOutcome['kind'], 'granted'>, ExchangeFailure>;

/** What {@link createConsent} works with. */
export interface ConsentOptions {
  readonly store: Store;
  readonly oauth: OAuthClient;
  readonly machine: StageMachine;
  readonly lookUpAccount: LookUpAccount;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly verify: Verify;
}

/**
 * Completes an admitted attempt: exchanges the code, learns the account, guards it, saves the
 * grant and moves the connection on.
 *
 * @throws KeyshiftError `authorization_denied`, `authorization_failed`, `code_missing`,
 * `exchange_failed`, `account_unverified`, `account_mismatch`, `invitation_revoked`,
 * `invitation_expired`; nothing was replaced then
 */
export type CompleteConsent = (attempt: Authorization, query: URLSearchParams) => Promise<Consent>;

/** Creates the last step of the OAuth flow. */
export function createConsent(options: ConsentOptions): CompleteConsent {
  const { store, oauth, machine, clock, logger, lookUpAccount } = options;
  const verifyAfterConsent = createVerifyAfterConsent(options.verify, logger);
  const recorder = createConsentRecorder({ ...options, clientId: oauth.clientId });

  return async (attempt, query) => {
    await assertStillInvited(store, attempt);
    const pair = await exchange(attempt, query);
    const account = await identify(attempt, pair);
    const missing = missingScopes(attempt.scope, pair.scope);
    if (!account) return { pair, account, connections: [], missingScopes: missing };
    const connection = await withKnownAccount(await findBoundConnection(store, attempt));
    if (connection?.accountId !== undefined && connection.accountId !== account.accountId) {
      await recorder.setAside(connection, account, pair);
      throw new AccountMismatchError(
        { name: connection.accountName, accountId: connection.accountId },
        { name: account.name, accountId: account.accountId },
      );
    }
    const connections = await recorder.record(attempt, account, pair, missing);
    logger.info(
      { account: account.accountId, customers: connections.map((each) => each.customerId) },
      'account consented',
    );
    const verified: Connection[] = [];
    for (const each of connections) {
      const verification = await verifyAfterConsent(each, account);
      verified.push(verification?.connection ?? each);
      missing.push(...scopesRefusedTo(verification));
    }
    return { pair, account, connections: verified, missingScopes: [...new Set(missing)] };
  };

  async function exchange(attempt: Authorization, query: URLSearchParams): Promise<TokenPair> {
    try {
      const outcome = await oauth.exchangeCode({
        query,
        state: query.get('state') ?? '',
        redirectUri: attempt.redirectUri,
        codeVerifier: attempt.codeVerifier,
      });
      return readExchange(outcome, attempt, clock.now());
    } catch (error) {
      if (isKeyshiftError(error, 'authorization_denied')) await flagDenied(attempt);
      throw error;
    }
  }

  async function flagDenied(attempt: Authorization): Promise<void> {
    await retryConflict(() =>
      store.transaction(async (tx) => {
        const connection = await findBoundConnection(tx, attempt);
        if (!connection || !awaitsConsent(connection)) return;
        await machine.flag(tx, connection, 'consent_denied', { actor: 'customer' });
      }),
    );
  }

  /** The token's account. An unbound attempt may do without: its caller gets the tokens anyway. */
  async function identify(
    attempt: Authorization,
    pair: TokenPair,
  ): Promise<KlaviyoAccount | undefined> {
    let lookup: AccountLookup | KeyshiftError;
    try {
      lookup = await lookUpAccount(pair.accessToken);
    } catch (error) {
      if (!isKeyshiftError(error)) throw error;
      lookup = error;
    }
    if (!(lookup instanceof KeyshiftError) && lookup.kind === 'found') return lookup.account;
    const why = describeFailedLookup(lookup);
    logger.warn({ reason: why }, 'grant not stored: its account is unknown');
    if (attempt.invitationId === undefined && attempt.customerId === undefined) return undefined;
    throw new KeyshiftError('account_unverified', `${why}.`);
  }

  /** A key whose account was never learned is asked now, so that the guard has a side to compare. */
  async function withKnownAccount(
    connection: Connection | undefined,
  ): Promise<Connection | undefined> {
    if (connection?.key !== 'held' || connection.accountId !== undefined) return connection;
    const check = await checkKey(connection, { store, machine, lookUpAccount, actor: 'system' });
    if (check.verdict === 'checked') return check.connection;
    throw new KeyshiftError(
      'account_unverified',
      `The account of the stored private key is unknown: ${check.detail ?? check.verdict}.`,
    );
  }
}

/** Scopes that the token answer names and a read shows to be missing. */
function scopesRefusedTo(verification: Verification | undefined): string[] {
  const failed = verification?.checks.filter(({ reason }) => reason === 'scope_missing') ?? [];
  return failed.flatMap((check) => (check.kind === 'read' ? [check.scope] : []));
}

function describeFailedLookup(
  lookup: Exclude<AccountLookup, { kind: 'found' }> | KeyshiftError,
): string {
  if (lookup instanceof KeyshiftError) return lookup.message.replace(/\.$/, '');
  return lookup.kind === 'forbidden'
    ? 'The token cannot read its account: the scope accounts:read is missing'
    : 'Klaviyo rejected the token it had just issued';
}

function readExchange(outcome: TokenOutcome, attempt: Authorization, nowMs: number): TokenPair {
  if (outcome.kind === 'granted') {
    if (outcome.tokens.refreshToken === undefined) {
      throw new ExchangeFailedError('no_refresh_token', 'The token response has no refresh token.');
    }
    const known = { refreshToken: outcome.tokens.refreshToken, scope: attempt.scope };
    return toTokenPair(outcome.tokens, known, nowMs);
  }
  const detail =
    outcome.kind === 'transient'
      ? outcome.reason
      : `${outcome.error}${outcome.description && `: ${outcome.description}`}`;
  throw new ExchangeFailedError(
    failureOf[outcome.kind],
    `The token endpoint returned no tokens: ${detail}.`,
  );
}
