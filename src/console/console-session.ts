import { createHmac, timingSafeEqual } from 'node:crypto';
import { getSignedCookie, setSignedCookie, deleteCookie } from 'hono/cookie';
import { hostCookie } from '../http/cookies.ts';
import type { HttpContext, HttpDeps } from '../http/http-context.ts';
import { randomToken } from '../runtime/random.ts';
import { derivePurposeKey } from '../vault/purpose-key.ts';

const sessionMs = 8 * 60 * 60_000;
const deviceSec = 180 * 86_400;

/** Who is signed in to the console: one administrator, by a signed cookie that ends by itself. */
export interface ConsoleSessions {
  /** The session of a request; `undefined` when there is none or it has ended. */
  find(context: HttpContext): Promise<string | undefined>;
  /** Begins a session, and remembers the browser as one that somebody has signed in with. */
  begin(context: HttpContext): Promise<void>;
  /** A browser that somebody has signed in with before. */
  deviceOf(context: HttpContext): Promise<string | undefined>;
  end(context: HttpContext, session: string): void;
  /** A value for the login form that only this browser can send back. */
  beginLogin(context: HttpContext): Promise<string>;
  isLoginForm(context: HttpContext, csrfToken: unknown): Promise<boolean>;
  /** A value for the forms of a session. */
  csrfToken(session: string): string;
  isSessionForm(session: string, csrfToken: unknown): boolean;
}

/** Creates the sessions of one server. */
export function createConsoleSessions({
  keyshift,
}: HttpDeps<'config' | 'clock' | 'random'>): ConsoleSessions {
  const { clock, random, config } = keyshift;
  const sessionKey = derivePurposeKey(config.sessionSecret, 'console session');
  const loginKey = derivePurposeKey(config.sessionSecret, 'console login');
  const deviceKey = derivePurposeKey(config.sessionSecret, 'console device');
  const formKey = derivePurposeKey(config.sessionSecret, 'console form');
  const cookieOf = (name: string) => hostCookie(config.publicUrl, name, '/console').name;
  const sessionCookie = cookieOf('keyshift_session');
  const loginCookie = cookieOf('keyshift_login');
  const deviceCookie = cookieOf('keyshift_device');
  const options = {
    ...hostCookie(config.publicUrl, '', '/console').options,
    sameSite: 'Strict',
  } as const;

  // Cookies end by themselves; one that was signed out before must not come back. One process
  // counts for itself, as the throttle does.
  const ended = new Map<string, number>();
  const expiryOf = (session: string) => Number(session.split('.', 1)[0]);

  const csrfToken = (session: string) =>
    createHmac('sha256', formKey).update(`keyshift console form ${session}`).digest('base64url');

  return {
    async find(context) {
      const session = await getSignedCookie(context, sessionKey, sessionCookie);
      if (!session || ended.has(session)) return undefined;
      return expiryOf(session) > clock.now() ? session : undefined;
    },
    async begin(context) {
      const session = `${clock.now() + sessionMs}.${randomToken(random, 16)}`;
      await setSignedCookie(context, sessionCookie, session, sessionKey, {
        ...options,
        maxAge: sessionMs / 1000,
      });
      const device = randomToken(random, 16);
      await setSignedCookie(context, deviceCookie, device, deviceKey, {
        ...options,
        maxAge: deviceSec,
      });
    },
    deviceOf: async (context) =>
      (await getSignedCookie(context, deviceKey, deviceCookie)) || undefined,
    end(context, session) {
      for (const [old, expiresAtMs] of ended) if (expiresAtMs < clock.now()) ended.delete(old);
      ended.set(session, expiryOf(session));
      deleteCookie(context, sessionCookie, options);
    },
    async beginLogin(context) {
      const value = randomToken(random, 16);
      await setSignedCookie(context, loginCookie, value, loginKey, { ...options, maxAge: 3_600 });
      return value;
    },
    async isLoginForm(context, token) {
      const value = await getSignedCookie(context, loginKey, loginCookie);
      return typeof value === 'string' && isSame(value, token);
    },
    csrfToken,
    isSessionForm: (session, token) => isSame(csrfToken(session), token),
  };
}

function isSame(expected: string, presented: unknown): boolean {
  if (typeof presented !== 'string') return false;
  const [left, right] = [Buffer.from(expected), Buffer.from(presented)];
  return left.length === right.length && timingSafeEqual(left, right);
}
