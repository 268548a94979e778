import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import type { StartedAttempt } from '../migration/consent/authorizations.ts';
import type { HttpContext } from './http-context.ts';

const namePrefix = 'keyshift_attempt_';

/** Where the cookie is sent to: the callback, as the browser sees it. */
function cookieOptions(redirectUri: string) {
  const { protocol, pathname } = new URL(redirectUri);
  return { path: pathname, secure: protocol === 'https:' };
}

/**
 * Binds an attempt to the browser: a cookie of its own for every attempt, so that two tabs do not
 * overwrite each other, sent to the callback only.
 */
export function setAttemptCookie(
  context: HttpContext,
  attempt: StartedAttempt,
  redirectUri: string,
): void {
  setCookie(context, namePrefix + attempt.cookieId, attempt.nonce, {
    ...cookieOptions(redirectUri),
    httpOnly: true,
    sameSite: 'Lax',
    maxAge: attempt.maxAgeSec,
  });
}

/** The nonce that the browser was given at the start of an attempt. */
export function readAttemptCookie(context: HttpContext, cookieId: string): string | undefined {
  return getCookie(context, namePrefix + cookieId);
}

/** Takes the cookie of a finished attempt back. */
export function clearAttemptCookie(
  context: HttpContext,
  cookieId: string,
  redirectUri: string,
): void {
  deleteCookie(context, namePrefix + cookieId, cookieOptions(redirectUri));
}
