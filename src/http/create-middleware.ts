import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { callbackPathOf, resultPathOf } from '../core/config.ts';
import { partsOf } from '../core/create-keyshift.ts';
import type { Keyshift } from '../core/keyshift.ts';
import { isKeyshiftError, type KeyshiftError } from '../errors/keyshift-error.ts';
import { toOriginForm } from '../klaviyo/api-path.ts';
import { sendProxyError } from '../proxy/proxy-error.ts';
import { createApp } from './create-app.tsx';
import { createKeyshiftProxy } from './keyshift-proxy.ts';
import { copyScript } from './pages/copy-script.ts';
import { createStylesheet } from './pages/stylesheet.ts';
import { withUnreadBody, type ParsedRequest } from './replayed-request.ts';

/** Passes a request on to what comes next, or an error to the application's error handler. */
export type Next = (error?: Error) => void;

/** A middleware of Express 4 and 5, Connect, and whatever takes theirs. */
export type Middleware = (request: IncomingMessage, response: ServerResponse, next: Next) => void;

/**
 * Creates a middleware that gives an application Keyshift's routes: `/auth/start`,
 * `/auth/install`, `/auth/callback`,
 * `/auth/callback/result`, `/auth/refresh`, `/auth/disconnect`, `/connect/*`, `/whoami`,
 * the stylesheet of the pages, and `/api/*` for calls that are addressed to Keyshift by a private
 * key, or by a service token with `Keyshift-Account` or `Keyshift-Customer`. All else goes to
 * `next`.
 *
 * Mount it before body parsers. Behind one it uses what the parser left, where that is JSON, text
 * or bytes. Under a path, as in `app.use('/klaviyo', …)`, every link begins with that path, and
 * REDIRECT_URI has to: `https://app.example/klaviyo/auth/callback`.
 *
 * @example
 * ```ts
 * const keyshift = await createKeyshift(readConfig(process.env));
 * app.use(createMiddleware(keyshift));
 * ```
 */
export function createMiddleware(keyshift: Keyshift): Middleware {
  const parts = partsOf(keyshift);
  const proxy = createKeyshiftProxy(parts);
  const listener = getRequestListener(createApp(keyshift).fetch, { overrideGlobalObjects: false });
  const ownPaths = new Set([
    createStylesheet(parts.config.company.colour).path,
    copyScript.path,
    callbackPathOf(parts.config),
    resultPathOf(parts.config),
  ]);

  async function serve(
    request: ParsedRequest,
    response: ServerResponse,
    proxied: boolean,
  ): Promise<void> {
    let unread: IncomingMessage;
    try {
      unread = withUnreadBody(request);
    } catch (error) {
      if (!isKeyshiftError(error)) throw error;
      if (proxied) sendProxyError(response, error, { id: parts.random.id(), route: undefined });
      else sendError(response, error);
      return;
    }
    await (proxied ? proxy : listener)(unread, response);
  }

  return (request, response, next) => {
    const path = toOriginForm(request.url ?? '').split('?', 1)[0] ?? '';
    const proxied = path.startsWith('/api/') && isAddressed(request.headers);
    if (!proxied && !isRoute(path) && !ownPaths.has(path)) {
      next();
    } else {
      serve(request, response, proxied).catch(next);
    }
  };
}

const routes: ReadonlySet<string> = new Set([
  '/auth/start',
  '/auth/install',
  '/auth/callback',
  '/auth/refresh',
  '/auth/disconnect',
  '/whoami',
]);

/** The rest of `/auth` may be the application's own. */
function isRoute(path: string): boolean {
  return routes.has(path) || path.startsWith('/connect/');
}

/** An application has calls of its own under `/api`; those name neither a key nor an account. */
function isAddressed(headers: IncomingHttpHeaders): boolean {
  return (
    /^Klaviyo-API-Key /i.test(headers.authorization ?? '') ||
    headers['keyshift-account'] !== undefined ||
    headers['keyshift-customer'] !== undefined
  );
}

function sendError(response: ServerResponse, error: KeyshiftError): void {
  response.writeHead(error.status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(error.toPublicJSON()));
}
