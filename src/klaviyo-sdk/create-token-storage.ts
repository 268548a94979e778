import { partsOf } from '../core/create-keyshift.ts';
import type { Keyshift } from '../core/keyshift.ts';
import { isKeyshiftError, KeyshiftError } from '../errors/keyshift-error.ts';
import type { Grant } from '../model/grant.ts';
import type { GrantKey } from '../store/grants.ts';
import { assertCustomerId, createTokenSaver } from './save-tokens.ts';
import type { CreatedTokens, RetrievedTokens, SdkTokenStorage } from './sdk-types.ts';

/** A `TokenStorage` of the SDK, over Keyshift's store and engine. */
export interface KeyshiftTokenStorage extends SdkTokenStorage {
  /**
   * Takes the place of `OAuthApi.refreshTokens`, which the SDK calls after a 401: however many
   * callers, one refresh, by Keyshift.
   */
  refreshTokens(customerIdentifier: string): Promise<CreatedTokens>;
}

/**
 * Creates a `TokenStorage` for code that keeps the SDK's `OAuthApi` and `OAuthSession`. The SDK's
 * customer identifier is Keyshift's customer id.
 *
 * - `retrieve` gives an access token that is alive, so that the SDK has nothing to refresh. The
 *   refresh token never leaves Keyshift: reading it throws.
 * - `save` takes over the pair of `OAuthApi.createTokens`, as a consent: only whole, and only for
 *   the customer's own account.
 * - `refreshTokens` has to be put in place of the SDK's own, as below. Without that a call that
 *   Klaviyo answers 401 fails, since the SDK may not refresh by itself.
 *
 * @example
 * ```ts
 * const storage = createTokenStorage(keyshift);
 * const oAuthApi = new OAuthApi(clientId, clientSecret, storage);
 * oAuthApi.refreshTokens = storage.refreshTokens;
 * const profiles = new ProfilesApi(new OAuthSession('acme', oAuthApi));
 * ```
 */
export function createTokenStorage(keyshift: Keyshift): KeyshiftTokenStorage {
  const parts = partsOf(keyshift);
  const { store, credentials, tokens, oauth } = parts;

  /** The grant that a customer's calls are sent with. */
  async function keyOf(customerId: string): Promise<GrantKey & { readonly generation: number }> {
    assertCustomerId(customerId);
    const connection = await store.connections.findByCustomer(customerId);
    if (!connection) {
      throw new KeyshiftError(
        'connection_not_found',
        `Customer ${JSON.stringify(customerId)} has no connection.`,
      );
    }
    const credential = await credentials.forConnection(connection);
    if (credential.route === 'oauth') {
      const { accountId, generation } = credential;
      return { clientId: oauth.clientId, accountId, generation };
    }
    throw new KeyshiftError(
      'stage_conflict',
      `Customer ${customerId} is still on the private key; there are no tokens to hand out.`,
      { fix: 'Cut the connection over first.' },
    );
  }

  async function renew(customerId: string): Promise<Grant> {
    const { generation, ...key } = await keyOf(customerId);
    try {
      return await tokens.afterUnauthorized(key, generation);
    } catch (error) {
      // Another caller's refresh came first: its token is the one to try.
      if (isKeyshiftError(error, 'token_refused')) return tokens.liveGrant(key);
      throw error;
    }
  }

  return {
    retrieve: async (customerIdentifier) =>
      new HeldTokens(await tokens.liveGrant(await keyOf(customerIdentifier))),
    save: createTokenSaver(parts),
    refreshTokens: async (customerIdentifier) => new FreshTokens(await renew(customerIdentifier)),
  };
}

/**
 * Tokens whose members do not print. There is no `expiresAt`: the SDK refreshes by itself half a
 * minute before that, and Keyshift has done so already where it was due.
 */
class HeldTokens implements RetrievedTokens {
  readonly #grant: Grant;

  constructor(grant: Grant) {
    this.#grant = grant;
  }

  get accessToken(): string {
    return this.#grant.accessToken.reveal();
  }

  /** @throws KeyshiftError `request_invalid`: whoever asks is about to spend it */
  get refreshToken(): string {
    throw new KeyshiftError(
      'request_invalid',
      'Keyshift does not hand out refresh tokens: it does every refresh itself, once.',
      { fix: 'Set oAuthApi.refreshTokens = storage.refreshTokens.' },
    );
  }
}

/** Further away than any token lives: Klaviyo did not say when this one ends. */
const unknownExpiryMs = 8.64e15;

class FreshTokens extends HeldTokens implements CreatedTokens {
  readonly expiresAt: Date;

  constructor(grant: Grant) {
    super(grant);
    this.expiresAt = new Date(grant.expiresAtMs ?? unknownExpiryMs);
  }
}
