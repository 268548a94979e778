import { Hono, type MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import { callbackPathOf, resultPathOf } from '../core/config.ts';
import { partsOf } from '../core/create-keyshift.ts';
import type { Keyshift } from '../core/keyshift.ts';
import { createFailureLog } from '../runtime/failure-log.ts';
import { answerError, logError, toKnownError } from './error-answer.tsx';
import { assertPlainRoute, pageProps, type HttpDeps, type HttpEnv } from './http-context.ts';
import { copyScript } from './pages/copy-script.ts';
import { HomePage } from './pages/home-page.tsx';
import { pageHeaders } from './pages/page-policy.ts';
import { createStylesheet } from './pages/stylesheet.ts';
import { answerCallback, answerResult } from './routes/auth-callback.tsx';
import { createAuthRoutes } from './routes/auth-routes.ts';
import { createConnectRoutes } from './routes/connect-routes.tsx';
import { createHealthRoutes } from './routes/health-routes.ts';
import { createOutreachRoutes } from './routes/outreach-routes.tsx';
import { createWhoamiRoutes } from './routes/whoami-routes.ts';

/** The routes of Keyshift as a web-standard handler, apart from the streaming proxy. */
export type KeyshiftApp = Hono<HttpEnv>;

/** Makes the routes of the console; `createConsole` of `keyshift/server` is the one there is. */
export type ConsoleRoutes = (deps: never) => Hono<HttpEnv>;

/** What {@link createApp} mounts besides its own routes. */
export interface AppOptions {
  /** The console, which stands above this layer. */
  readonly console?: ConsoleRoutes;
}

/**
 * Creates the app over a Keyshift.
 *
 * @example
 * ```ts
 * const app = createApp(keyshift);
 * const response = await app.fetch(new Request('http://localhost:5000/healthz'));
 * ```
 */
export function createApp(keyshift: Keyshift, options: AppOptions = {}): KeyshiftApp {
  const parts = partsOf(keyshift);
  const { random, config, logger, clock } = parts;
  const stylesheet = createStylesheet(config.company.colour);
  const deps: HttpDeps = {
    keyshift: parts,
    stylesheet,
    logFailure: createFailureLog(logger, clock),
  };
  const app = new Hono<HttpEnv>();

  app.use(async (context, next) => {
    const requestId = random.id();
    context.set('requestId', requestId);
    // Set before the answer is made: afterwards it would have to be made again.
    context.header('keyshift-request-id', requestId);
    context.header('x-content-type-options', 'nosniff');
    context.header('referrer-policy', 'no-referrer');
    assertPlainRoute(context);
    await next();
  });
  app.on('POST', '*', limitBody());
  app.onError((error, context) => {
    const known = toKnownError(error);
    logError(context, deps, known);
    return answerError(context, deps, known);
  });
  app.notFound((context) =>
    answerError(context, deps, new KeyshiftError('not_found', 'No route has this path.')),
  );

  // REDIRECT_URI may lead elsewhere than to /auth/callback.
  const callbackPath = callbackPathOf(config);
  const resultPath = resultPathOf(config);
  app.get('*', (context, next) => {
    const { pathname } = new URL(context.req.url);
    if (pathname === resultPath) return answerResult(context, deps);
    return pathname === callbackPath ? answerCallback(context, deps) : next();
  });
  app.route('/auth', createAuthRoutes(deps));
  app.route('/connect', createConnectRoutes(deps));
  app.route('/connect', createOutreachRoutes(deps));
  app.route('/whoami', createWhoamiRoutes(deps));
  app.route('/', createHealthRoutes(deps));
  if (options.console) app.route('/console', options.console(deps as never));
  app.get(stylesheet.path, (context) => context.body(stylesheet.body, 200, stylesheet.headers));
  app.get(copyScript.path, (context) => context.body(copyScript.body, 200, copyScript.headers));
  if (config.mode === 'development') {
    app.get('/', (context) =>
      context.html(
        <HomePage
          {...pageProps(deps, context)}
          baseUrl={config.publicUrl}
          revision={config.revision}
        />,
        200,
        pageHeaders(),
      ),
    );
  }
  return app;
}

const maxBodyBytes = 64 * 1024;

/** Refuses large bodies. Hono's limit opens a body as a stream in order to measure it. */
function limitBody(): MiddlewareHandler<HttpEnv> {
  const measure = bodyLimit({
    maxSize: maxBodyBytes,
    onError: () => {
      throw new KeyshiftError('request_invalid', 'The body is larger than 64 KiB.');
    },
  });
  return (context, next) => {
    const length = Number(context.req.header('content-length'));
    const isKnown = context.req.header('transfer-encoding') === undefined;
    return isKnown && length <= maxBodyBytes ? next() : measure(context, next);
  };
}
