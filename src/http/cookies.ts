import { getCookie, setCookie } from 'hono/cookie';
import type { ReadCookie, StartedAttempt } from '../migration/consent/authorizations.ts';
import type { HttpContext } from './http-context.ts';

/**
 * The name of a cookie, and how it is set and taken back. Over https it begins with `__Host-`: such
 * a cookie browsers take from this very host alone, so that no other host of the domain can plant
 * one. Plain http, as in development, has no such names.
 *
 * @param url that browsers come by
 * @param path that it is sent to; `__Host-` cookies are sent to every path
 */
export function hostCookie(url: string, name: string, path: string) {
  const secure = url.startsWith('https:');
  return {
    name: secure ? `__Host-${name}` : name,
    options: { path: secure ? '/' : path, httpOnly: true, secure },
  } as const;
}

/** Attempts that one browser may have under way; cookies of more would outgrow a request. */
const mostAttempts = 10;
/** For so long a browser can look at the end of its attempt again. */
const resultSec = 3_600;

function attemptCookie(redirectUri: string, stateHash: string) {
  const name = `keyshift_attempt_${stateHash.slice(0, 16)}`;
  // The page of the result lies below the callback.
  return hostCookie(redirectUri, name, new URL(redirectUri).pathname);
}

function setFor(
  context: HttpContext,
  stateHash: string,
  value: string,
  uri: string,
  maxAge: number,
) {
  const { name, options } = attemptCookie(uri, stateHash);
  setCookie(context, name, value, { ...options, sameSite: 'Lax', maxAge });
}

/**
 * Binds an attempt to the browser: a cookie of its own for every attempt, so that two tabs do not
 * overwrite each other.
 */
export function setAttemptCookie(
  context: HttpContext,
  { stateHash, cookie, maxAgeSec }: StartedAttempt,
  redirectUri: string,
): void {
  const { name: prefix, options } = attemptCookie(redirectUri, '');
  // Browsers send the oldest first.
  const earlier = Object.keys(getCookie(context)).filter((name) => name.startsWith(prefix));
  for (const old of earlier.slice(0, Math.max(0, earlier.length + 1 - mostAttempts))) {
    setCookie(context, old, '', { ...options, maxAge: 0 });
  }
  setFor(context, stateHash, cookie, redirectUri, maxAgeSec);
}

/** Keeps the cookie of an attempt that has come back for as long as its result can be seen. */
export function keepAttemptCookie(
  context: HttpContext,
  stateHash: string,
  redirectUri: string,
): void {
  const value = attemptCookies(context, redirectUri)(stateHash);
  if (value !== undefined) setFor(context, stateHash, value, redirectUri, resultSec);
}

/** Takes the cookie of an attempt back that has no result to show. */
export function clearAttemptCookie(
  context: HttpContext,
  stateHash: string,
  redirectUri: string,
): void {
  setFor(context, stateHash, '', redirectUri, 0);
}

/** Reads the cookies that the browser was given at the start of its attempts. */
export function attemptCookies(context: HttpContext, redirectUri: string): ReadCookie {
  return (stateHash) => getCookie(context, attemptCookie(redirectUri, stateHash).name);
}
