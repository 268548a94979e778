import type { ConnectionHandle, ConnectionTarget } from '../client/connections.ts';
import type { Grant } from '../model/grant.ts';
import type { GrantKey } from '../store/grants.ts';
import type { InvitationLinks } from './invitation-links.ts';

/** Gives out access tokens that are alive. */
export interface Tokens {
  /**
   * The grant of an account with an access token to use now, refreshed first where it has ended.
   *
   * @param signal ends the caller's wait, never the refresh
   * @throws KeyshiftError `grant_not_found`, `grant_lost`, `client_rejected`, or `upstream_*`
   * when a refresh was due and Klaviyo could not be asked
   */
  liveGrant(key: GrantKey, signal?: AbortSignal): Promise<Grant>;
  /**
   * The same after Klaviyo answered 401 for the token of `generation`: a newer one if there is one,
   * else one refresh.
   *
   * @throws KeyshiftError `token_refused` straight after a good refresh; else as
   * {@link Tokens.liveGrant}
   */
  afterUnauthorized(key: GrantKey, generation: number, signal?: AbortSignal): Promise<Grant>;
}

/**
 * A Keyshift as an application holds it. `createMiddleware` of `keyshift/express` and `createApp`
 * of `keyshift/server` make its routes, `createSession` and `createTokenStorage` of
 * `keyshift/klaviyo-api` connect the official SDK.
 */
export interface Keyshift {
  /** A customer's Klaviyo account, ready to be called. */
  connection(target: ConnectionTarget): ConnectionHandle;
  readonly tokens: Tokens;
  readonly invitations: InvitationLinks;
  /**
   * Does what a Keyshift does without being asked: refreshes tokens before they end, holds
   * connections on which OAuth does worse than the key, sends messages and reminders, and deletes
   * what has had its time. One process is enough; several share the work.
   *
   * @param signal ends it, as {@link Keyshift.close} does
   * @returns when all that was under way has ended; never rejects
   */
  work(signal?: AbortSignal): Promise<void>;
  /**
   * Ends the work, finishes what is under way and closes everything.
   *
   * @throws what could not be closed, when all the rest is
   */
  close(): Promise<void>;
}
