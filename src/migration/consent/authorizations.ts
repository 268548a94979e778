import { KeyshiftError } from '../../errors/keyshift-error.ts';
import type { OAuthClient } from '../../oauth/oauth-client.ts';
import { createPkcePair } from '../../oauth/pkce.ts';
import type { Clock } from '../../runtime/clock.ts';
import { type Random, randomToken } from '../../runtime/random.ts';
import type { Authorization } from '../../model/authorization.ts';
import type { Store } from '../../store/store.ts';
import { hashToken } from './invitation-token.ts';

/** Minutes an attempt stays open: a sign-in with a second factor fits, a forgotten tab does not. */
const attemptMs = 10 * 60_000;

/** Whom an attempt is for. */
export interface AttemptBinding {
  readonly invitationId?: string;
  readonly customerId?: string;
}

/** A started attempt: where to send the browser, and what to leave in its cookie. */
export interface StartedAttempt {
  readonly url: string;
  /** Names the cookie, so that two tabs keep one each. */
  readonly cookieId: string;
  readonly nonce: string;
  readonly maxAgeSec: number;
}

/** Starts attempts to authorize, and admits each callback once. */
export interface Authorizations {
  start(binding?: AttemptBinding): Promise<StartedAttempt>;
  /**
   * Admits the callback of an attempt and consumes the attempt.
   *
   * @param state the `state` of the callback
   * @param readNonce gives the nonce of the cookie with an id, if the browser sent it
   * @throws KeyshiftError `state_invalid`, `state_expired`, `state_reused`
   */
  admit(
    state: string | null,
    readNonce: (cookieId: string) => string | undefined,
  ): Promise<Authorization>;
}

/** What {@link createAuthorizations} works with. */
export interface AuthorizationsOptions {
  readonly store: Store;
  readonly oauth: OAuthClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly redirectUri: string;
  /** Space separated. */
  readonly scope: string;
}

/** Creates the service. */
export function createAuthorizations(options: AuthorizationsOptions): Authorizations {
  const { store, oauth, clock, random, redirectUri, scope } = options;
  return {
    async start(binding = {}) {
      const state = randomToken(random);
      const nonce = randomToken(random);
      const { codeVerifier, codeChallenge } = createPkcePair(random);
      const nowMs = clock.now();
      const stateHash = hashToken(state);
      await store.authorizations.insert({
        stateHash,
        nonceHash: hashToken(nonce),
        codeVerifier,
        redirectUri,
        scope,
        invitationId: binding.invitationId,
        customerId: binding.customerId,
        createdAtMs: nowMs,
        expiresAtMs: nowMs + attemptMs,
        consumedAtMs: undefined,
      });
      return {
        url: oauth.authorizationUrl({ redirectUri, scope, state, codeChallenge }),
        cookieId: toCookieId(stateHash),
        nonce,
        maxAgeSec: attemptMs / 1000,
      };
    },

    async admit(state, readNonce) {
      if (state === null || state === '') {
        throw new KeyshiftError('state_invalid', 'The callback has no state.');
      }
      const stateHash = hashToken(state);
      const attempt = await store.authorizations.find(stateHash);
      if (!attempt) {
        throw new KeyshiftError('state_invalid', 'The state in the callback was not issued here.');
      }
      // Told before the cookie is looked for: it is gone by then, and there is nothing left to guard.
      const nowMs = clock.now();
      if (attempt.consumedAtMs !== undefined) throw reused();
      if (attempt.expiresAtMs <= nowMs) {
        throw new KeyshiftError(
          'state_expired',
          'The sign-in was started more than ten minutes ago.',
        );
      }
      const nonce = readNonce(toCookieId(stateHash));
      if (nonce === undefined || hashToken(nonce) !== attempt.nonceHash) {
        // Not consumed: whoever lacks the cookie must not end the attempt of the one who has it.
        throw new KeyshiftError(
          'state_invalid',
          'This browser did not start the sign-in, or its cookie is missing.',
          { fix: `Start again in this browser, on ${new URL(redirectUri).origin}.` },
        );
      }
      if (!(await store.authorizations.consume(stateHash, nowMs))) throw reused();
      return attempt;
    },
  };
}

function toCookieId(stateHash: string): string {
  return stateHash.slice(0, 16);
}

function reused(): KeyshiftError {
  return new KeyshiftError('state_reused', 'This sign-in has already been completed.');
}
