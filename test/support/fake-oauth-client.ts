import type { OAuthClient } from '../../src/oauth/oauth-client.ts';
import type { GrantedTokens, TokenOutcome } from '../../src/oauth/token-outcome.ts';
import { Secret } from '../../src/runtime/secret.ts';

/** An OAuth client whose answers a test decides, and which remembers what was spent. */
export interface FakeOAuthClient extends OAuthClient {
  /** Refresh tokens in the order they were spent. */
  readonly spent: readonly string[];
  readonly revoked: readonly string[];
  /** Decides every refresh from now on. */
  answerRefresh(answer: () => TokenOutcome | Promise<TokenOutcome>): void;
  /** Lets every revocation from now on fail. */
  failRevocation(error: Error): void;
}

/** Creates the client; until told otherwise, each refresh answers a pair that is new. */
export function createFakeOAuthClient(clientId = 'app-one'): FakeOAuthClient {
  const spent: string[] = [];
  const revoked: string[] = [];
  let revocationError: Error | undefined;
  let answer: () => TokenOutcome | Promise<TokenOutcome> = () =>
    granted({ accessToken: `access-${spent.length}`, refreshToken: `refresh-${spent.length}` });
  return {
    clientId,
    spent,
    revoked,
    answerRefresh(next) {
      answer = next;
    },
    failRevocation(error) {
      revocationError = error;
    },
    authorizationUrl: ({ state }) => `https://klaviyo.invalid/oauth/authorize?state=${state}`,
    exchangeCode: () => Promise.reject(new Error('no test exchanges codes with the fake')),
    refresh: async (refreshToken) => {
      spent.push(refreshToken.reveal());
      return answer();
    },
    revoke: async (refreshToken) => {
      if (revocationError) throw revocationError;
      revoked.push(refreshToken.reveal());
    },
  };
}

/** A token answer; what is left out is absent from it, save for the access token. */
export function granted(
  fields: {
    readonly accessToken?: string;
    readonly refreshToken?: string;
    readonly expiresInSec?: number | undefined;
    readonly scope?: string;
  } = {},
): TokenOutcome {
  const tokens: GrantedTokens = {
    accessToken: new Secret('access_token', fields.accessToken ?? 'access-next'),
    refreshToken:
      fields.refreshToken === undefined
        ? undefined
        : new Secret('refresh_token', fields.refreshToken),
    expiresInSec: 'expiresInSec' in fields ? fields.expiresInSec : 3_600,
    scope: fields.scope,
  };
  return { kind: 'granted', tokens };
}
