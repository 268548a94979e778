import { createAccountLookup } from '../calls/account-lookup.ts';
import type { KeyshiftParts } from '../core/create-keyshift.ts';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import { maskAccountId, type KlaviyoAccount } from '../klaviyo/account.ts';
import { createConsentRecorder } from '../migration/consent/consent-recorder.ts';
import { findCustomerIdProblem } from '../model/customer.ts';
import { createVerifyAfterConsent } from '../migration/consent/verify.ts';
import { Secret } from '../runtime/secret.ts';
import type { Connection } from '../model/connection.ts';
import type { TokenPair } from '../model/grant.ts';
import type { CreatedTokens } from './sdk-types.ts';

/** Takes over a pair that the SDK got for a customer. */
export type SaveTokens = (customerId: string, tokens: CreatedTokens) => Promise<void>;

type SaverParts = Pick<
  KeyshiftParts,
  | 'config'
  | 'store'
  | 'machine'
  | 'clock'
  | 'random'
  | 'http'
  | 'oauth'
  | 'tokens'
  | 'verify'
  | 'logger'
>;

/**
 * Creates the saver. A pair is saved as a consent is: only when its account is known, and is the
 * one of the customer's connection. A customer that is new gets a connection.
 *
 * @throws KeyshiftError `request_invalid` for a pair that is not whole, `account_unverified`,
 * `account_mismatch`; the stored pair stays as it was then
 */
export function createTokenSaver(keyshift: SaverParts): SaveTokens {
  const { config, store, machine, clock, random, http, oauth, tokens: engine } = keyshift;
  const { clientId } = oauth;
  const recorder = createConsentRecorder({ store, machine, clock, random, clientId });
  const verifyAfterConsent = createVerifyAfterConsent(keyshift.verify, keyshift.logger);
  // The SDK saves while a person waits in front of a browser.
  const lookUpAccount = createAccountLookup({
    http,
    clock,
    random,
    apiUrl: config.endpoints.apiUrl,
    revision: config.revision,
    deadlineMs: 5_000,
    attempts: 3,
    maxPauseSec: 3,
  });

  return async (customerId, tokens) => {
    assertCustomerId(customerId);
    const problem = findCustomerIdProblem(customerId);
    if (problem !== undefined) throw new KeyshiftError('request_invalid', `${problem}.`);
    const pair = readPair(tokens, config.scope, clock.now());
    const connection = await store.connections.findByCustomer(customerId);
    assertComparable(connection);
    const account = await identify(pair);
    if (connection?.accountId !== undefined && connection.accountId !== account.accountId) {
      await recorder.setAside(connection, account, pair);
      throw mismatch(connection.accountId, account.accountId);
    }
    const key = { clientId, accountId: account.accountId };
    const stored = await store.grants.find(key);
    const known = { ...pair, scope: stored?.scope ?? pair.scope };
    const attempt = { customerId, invitationId: undefined, createdAtMs: clock.now() };
    const connections = await recorder.record(attempt, account, known, []);
    engine.forget(key);
    for (const each of connections) await verifyAfterConsent(each, account);
  };

  async function identify({ accessToken }: TokenPair): Promise<KlaviyoAccount> {
    const lookup = await lookUpAccount(accessToken);
    if (lookup.kind === 'found') return lookup.account;
    throw new KeyshiftError(
      'account_unverified',
      lookup.kind === 'rejected'
        ? 'Klaviyo rejects the access token to be saved.'
        : 'The access token cannot read its account: the scope accounts:read is missing.',
    );
  }

  /** A key whose account was never learned has no side to compare the tokens' account with. */
  function assertComparable(connection: Connection | undefined): void {
    if (connection?.key !== 'held' || connection.accountId !== undefined) return;
    throw new KeyshiftError('account_unverified', 'The account of the private key is unknown.', {
      fix: 'Run `keyshift check`, then save again.',
    });
  }
}

/** The SDK hands on what its user calls the customer, which without types may be nothing. */
export function assertCustomerId(customerId: string): void {
  if (typeof (customerId as unknown) === 'string') return;
  throw new KeyshiftError('request_invalid', 'The customer ID must be a string.');
}

function mismatch(expected: string, given: string): KeyshiftError {
  return new KeyshiftError(
    'account_mismatch',
    `The customer's account is ${maskAccountId(expected)}, but the tokens belong to ${maskAccountId(given)}.`,
  );
}

/** The SDK hands on what the token endpoint answered, whether or not it was whole. */
function readPair(tokens: CreatedTokens | undefined, scope: string, nowMs: number): TokenPair {
  const { accessToken, refreshToken, expiresAt } = (tokens ?? {}) as Partial<
    Record<keyof CreatedTokens, unknown>
  >;
  const expiresAtMs = expiresAt instanceof Date ? expiresAt.getTime() : Number.NaN;
  return {
    accessToken: new Secret('access_token', requireText('accessToken', accessToken)),
    refreshToken: new Secret('refresh_token', requireText('refreshToken', refreshToken)),
    scope,
    expiresAtMs: Number.isFinite(expiresAtMs) ? expiresAtMs : undefined,
    obtainedAtMs: nowMs,
  };
}

function requireText(name: string, value: unknown): string {
  if (typeof value === 'string' && value.trim() !== '') return value;
  throw new KeyshiftError('request_invalid', `The tokens to save have no ${name}.`, {
    fix: 'Nothing has changed. The token response was incomplete: authorize again.',
  });
}
