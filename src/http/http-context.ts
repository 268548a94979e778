import type { Context } from 'hono';
import type { Keyshift } from '../core/create-keyshift.ts';
import type { PageProps } from './pages/layout.tsx';
import type { StylesheetAsset } from './pages/stylesheet.ts';

/** What the routes share. */
export interface HttpDeps {
  readonly keyshift: Keyshift;
  readonly stylesheet: StylesheetAsset;
}

/** Variables that travel with one request. */
export interface HttpEnv {
  Variables: { requestId: string };
}

export type HttpContext = Context<HttpEnv>;

/** What every page is given. */
export function pageProps({ keyshift, stylesheet }: HttpDeps): PageProps {
  return { stylesheetHref: stylesheet.path, sandbox: keyshift.config.sandbox };
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
