import type { Context } from 'hono';
import type { KeyshiftParts } from '../core/create-keyshift.ts';
import type { FailureLog } from '../runtime/failure-log.ts';
import type { PageProps } from './pages/layout.tsx';
import type { StylesheetAsset } from './pages/stylesheet.ts';

/** What the routes share; each names the parts of Keyshift that it uses. */
export interface HttpDeps<Used extends keyof KeyshiftParts = keyof KeyshiftParts> {
  readonly keyshift: Pick<KeyshiftParts, Used>;
  readonly stylesheet: StylesheetAsset;
  readonly logFailure: FailureLog;
}

/** Variables that travel with one request. */
export interface HttpEnv {
  Variables: { requestId: string };
}

export type HttpContext = Context<HttpEnv>;

/**
 * What every page is given.
 *
 * @param context tells where the application has mounted Keyshift; without it, PUBLIC_URL does
 */
export function pageProps(deps: HttpDeps<'config'>, context?: HttpContext): PageProps {
  const { stylesheet, keyshift } = deps;
  const mountPath = context ? mountPathOf(context, deps) : publicPathOf(deps);
  return { stylesheetHref: mountPath + stylesheet.path, sandbox: keyshift.config.sandbox };
}

/** Plain segments only: what a link begins with must not lead to another host. */
const plainPath = /^(?:\/[\w.~%!$&'()*+,;=:@-]+)*$/;

/**
 * What links begin with: the path under which the application has mounted Keyshift, as frameworks
 * in the manner of Express tell it, else the path of PUBLIC_URL. Empty at the root.
 */
export function mountPathOf(context: HttpContext, deps: HttpDeps<'config'>): string {
  const { incoming } = (context.env ?? {}) as { incoming?: { url?: string; originalUrl?: string } };
  const { url = '', originalUrl = url } = incoming ?? {};
  if (originalUrl === url || !originalUrl.endsWith(url)) return publicPathOf(deps);
  const path = originalUrl.slice(0, originalUrl.length - url.length);
  return plainPath.test(path) ? path : publicPathOf(deps);
}

function publicPathOf({ keyshift }: HttpDeps<'config'>): string {
  return new URL(keyshift.config.publicUrl).pathname.replace(/\/$/, '');
}

/**
 * Whether the caller is a browser that wants a page. JSON is for everyone else: scripts send no
 * `Accept`, or `* / *`.
 */
export function wantsPage(context: HttpContext): boolean {
  const accept = context.req.header('accept') ?? '';
  const html = accept.indexOf('text/html');
  const json = accept.indexOf('application/json');
  return html >= 0 && (json < 0 || html < json);
}
