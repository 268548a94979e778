import { Hono } from 'hono';
import type { ConsoleRoutes } from '../http/create-app.tsx';
import { isKeyshiftError, KeyshiftError } from '../errors/keyshift-error.ts';
import { readForm } from '../http/form-body.ts';
import {
  originOf,
  pageProps,
  type HttpContext,
  type HttpDeps,
  type HttpEnv,
} from '../http/http-context.ts';
import { pageHeaders } from '../http/pages/page-policy.ts';
import { readOverview } from '../migration/report/queries.ts';
import { createConsoleSessions } from './console-session.ts';
import { createLoginThrottle } from './login-throttle.ts';
import { LoginPage } from './pages/login-page.tsx';
import { StatusPage } from './pages/status-page.tsx';

const pageSize = 50;

/** The console: sign in with the administrator's password, see where every connection stands. */
export const createConsole: ConsoleRoutes = (
  deps: HttpDeps<'config' | 'clock' | 'random' | 'store' | 'logger' | 'readOrigin'>,
) => {
  const { clock, config, store, logger } = deps.keyshift;
  const sessions = createConsoleSessions(deps);
  const throttle = createLoginThrottle(clock);
  const routes = new Hono<HttpEnv>();

  async function answerLogin(context: HttpContext, status: 200 | 400 | 401 | 429, error?: string) {
    const csrfToken = await sessions.beginLogin(context);
    const page = <LoginPage {...pageProps(deps)} csrfToken={csrfToken} error={error} />;
    return context.html(page, status, pageHeaders());
  }

  function assertPassword(password: unknown): void {
    if (typeof password === 'string' && config.adminPassword.equals(password)) return;
    throw new KeyshiftError('unauthenticated', 'Wrong password.');
  }

  routes.get('/login', (context) => answerLogin(context, 200));

  routes.post('/login', async (context) => {
    const form = await readForm(context);
    if (!(await sessions.isLoginForm(context, form['csrf_token']))) {
      return answerLogin(context, 400, 'This form has expired. Please try again.');
    }
    const { address, via } = originOf(context, deps);
    try {
      const device = await sessions.deviceOf(context);
      await throttle.check(address, device, () => {
        assertPassword(form['password']);
      });
    } catch (error) {
      if (!isKeyshiftError(error) || error.kind !== 'auth') throw error;
      logger.warn({ address, via }, 'sign-in to the console failed');
      if (error.code !== 'too_many_attempts') return answerLogin(context, 401, 'Wrong password.');
      const waitSec = error.retryAfterSec ?? 1;
      context.header('retry-after', String(waitSec));
      return answerLogin(context, 429, `Too many attempts. Try again in ${waitSec} seconds.`);
    }
    logger.info({ address, via }, 'signed in to the console');
    await sessions.begin(context);
    return context.redirect('/console', 303);
  });

  routes.post('/logout', async (context) => {
    const session = await sessions.find(context);
    const form = await readForm(context);
    if (session !== undefined && sessions.isSessionForm(session, form['csrf_token'])) {
      sessions.end(context, session);
    }
    return context.redirect('/console/login', 303);
  });

  routes.get('/', async (context) => {
    const session = await sessions.find(context);
    if (session === undefined) return context.redirect('/console/login', 303);
    const { counts, total, connections, nextAfter } = await readOverview(store, {
      after: context.req.query('after'),
      limit: pageSize,
    });
    return context.html(
      <StatusPage
        {...pageProps(deps)}
        counts={counts}
        rows={connections}
        total={total}
        nextHref={
          nextAfter === undefined ? undefined : `/console?after=${encodeURIComponent(nextAfter)}`
        }
        csrfToken={sessions.csrfToken(session)}
      />,
      200,
      pageHeaders(),
    );
  });

  return routes;
};
