import { createHmac, timingSafeEqual } from 'node:crypto';
import { KeyshiftError } from '../../errors/keyshift-error.ts';
import type { OAuthClient } from '../../oauth/oauth-client.ts';
import { codeChallengeOf } from '../../oauth/pkce.ts';
import type { Clock } from '../../runtime/clock.ts';
import { type Random, randomToken } from '../../runtime/random.ts';
import { Secret } from '../../runtime/secret.ts';
import type { Authorization, AuthorizationRecord } from '../../model/authorization.ts';
import type { Store } from '../../store/store.ts';
import { derivePurposeKey } from '../../vault/purpose-key.ts';
import { hashToken } from './invitation-token.ts';

/** Minutes an attempt stays open: a sign-in with a second factor fits, a forgotten tab does not. */
const attemptMs = 10 * 60_000;
/** Characters of a random value and of a signature, both of 256 bits. */
const tokenLength = 43;

/** Whom an attempt is for. */
export interface AttemptBinding {
  readonly invitationId?: string;
  readonly customerId?: string;
}

/** A started attempt: where to send the browser, and what to leave in its cookie. */
export interface StartedAttempt {
  readonly url: string;
  /** Tells attempts apart, so that two tabs keep a cookie each. */
  readonly stateHash: string;
  /** Proves the browser, and says whom the attempt is for; signed. */
  readonly cookie: string;
  readonly maxAgeSec: number;
}

/** Gives the cookie of an attempt, if the browser sent it. */
export type ReadCookie = (stateHash: string) => string | undefined;

/** Starts attempts to authorize, and admits each callback once. */
export interface Authorizations {
  /** Starts an attempt. Nothing is stored until it comes back: anybody may start any number. */
  start(binding?: AttemptBinding): StartedAttempt;
  /**
   * Admits the callback of an attempt and stores it as consumed.
   *
   * @param state the `state` of the callback
   * @throws KeyshiftError `state_invalid`, `state_expired`, `state_reused`
   */
  admit(state: string | null, readCookie: ReadCookie): Promise<Authorization>;
  /**
   * An attempt that came back, for the browser that began it.
   *
   * @throws KeyshiftError `state_invalid`, also when another browser asks
   */
  recall(stateHash: string, readCookie: ReadCookie): Promise<AuthorizationRecord>;
}

/** What {@link createAuthorizations} works with. */
export interface AuthorizationsOptions {
  readonly store: Store;
  readonly oauth: OAuthClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly sessionSecret: Secret<'session_secret'>;
  readonly redirectUri: string;
  /** Space separated. */
  readonly scope: string;
}

/**
 * Creates the service. The state is a random value and the time it ends, signed; the cookie is whom
 * the attempt is for, signed together with the state; and the code verifier is derived from the
 * state. All under a key of this server: what is needed at the callback comes with it.
 */
export function createAuthorizations(options: AuthorizationsOptions): Authorizations {
  const { store, oauth, clock, random, redirectUri, scope } = options;
  const key = derivePurposeKey(options.sessionSecret, 'sign-in attempt');

  function sign(purpose: 'state' | 'cookie' | 'verifier', text: string): string {
    return createHmac('sha256', key).update(`${purpose} ${text}`).digest('base64url');
  }

  const verifierOf = (state: string) => new Secret('code_verifier', sign('verifier', state));

  function signCookie(stateHash: string, binding: AttemptBinding): string {
    const payload = Buffer.from(JSON.stringify(binding)).toString('base64url');
    return `${payload}.${sign('cookie', `${stateHash} ${payload}`)}`;
  }

  /** Whom an attempt is for, by the cookie of the browser that began it. */
  function readBinding(stateHash: string, readCookie: ReadCookie): AttemptBinding | undefined {
    const [payload = '', signature = ''] = readCookie(stateHash)?.split('.') ?? [];
    if (!isSame(signature, sign('cookie', `${stateHash} ${payload}`))) return undefined;
    return JSON.parse(Buffer.from(payload, 'base64url').toString()) as AttemptBinding;
  }

  return {
    start(binding = {}) {
      const expiresAtMs = clock.now() + attemptMs;
      const unsigned = randomToken(random) + expiresAtMs.toString(36);
      const state = unsigned + sign('state', unsigned);
      const stateHash = hashToken(state);
      const codeChallenge = codeChallengeOf(verifierOf(state));
      return {
        url: oauth.authorizationUrl({ redirectUri, scope, state, codeChallenge }),
        stateHash,
        cookie: signCookie(stateHash, binding),
        maxAgeSec: attemptMs / 1000,
      };
    },

    async admit(state, readCookie) {
      if (state === null || state === '') {
        throw new KeyshiftError('state_invalid', 'The callback has no state.');
      }
      const unsigned = state.slice(0, -tokenLength);
      if (!isSame(state.slice(-tokenLength), sign('state', unsigned))) {
        throw new KeyshiftError('state_invalid', 'The state in the callback was not issued here.');
      }
      const stateHash = hashToken(state);
      // Told before the cookie is looked for: there is nothing left to guard.
      if (await store.authorizations.find(stateHash)) throw reused();
      const expiresAtMs = Number.parseInt(unsigned.slice(tokenLength), 36);
      const nowMs = clock.now();
      if (expiresAtMs <= nowMs) {
        throw new KeyshiftError(
          'state_expired',
          'The sign-in was started more than ten minutes ago.',
        );
      }
      const binding = readBinding(stateHash, readCookie);
      // Not consumed: whoever lacks the cookie must not end the attempt of the one who has it.
      if (!binding) throw anotherBrowser(redirectUri);
      const attempt: Authorization = {
        stateHash,
        codeVerifier: verifierOf(state),
        redirectUri,
        scope,
        invitationId: binding.invitationId,
        customerId: binding.customerId,
        createdAtMs: expiresAtMs - attemptMs,
        expiresAtMs,
        consumedAtMs: nowMs,
        result: undefined,
      };
      if (!(await store.authorizations.consume(attempt))) throw reused();
      return attempt;
    },

    async recall(stateHash, readCookie) {
      if (!readBinding(stateHash, readCookie)) throw anotherBrowser(redirectUri);
      const attempt = await store.authorizations.find(stateHash);
      if (attempt) return attempt;
      throw new KeyshiftError('state_invalid', 'This sign-in has not come back from Klaviyo.');
    },
  };
}

function isSame(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)];
  return left.length === right.length && timingSafeEqual(left, right);
}

function anotherBrowser(redirectUri: string): KeyshiftError {
  return new KeyshiftError(
    'state_invalid',
    'This browser did not start the sign-in, or its cookie is missing.',
    { fix: `Start again in this browser, on ${new URL(redirectUri).origin}.` },
  );
}

function reused(): KeyshiftError {
  return new KeyshiftError('state_reused', 'This sign-in has already been completed.');
}
