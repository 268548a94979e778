import type { Context } from 'hono';
import type { KeyshiftParts } from '../core/create-keyshift.ts';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import { toOriginForm } from '../klaviyo/api-path.ts';
import type { FailureLog } from '../runtime/failure-log.ts';
import type { IncomingParts, RequestOrigin } from '../runtime/request-origin.ts';
import { languageOf } from '../migration/outreach/message-context.ts';
import type { Labels } from '../model/labels.ts';
import { choosePageLanguage } from './pages/language.ts';
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
 * @param context tells where the application has mounted Keyshift, and what the browser speaks;
 *   without it, PUBLIC_URL does
 * @param labels of the customer who is looking: their language is the page's
 */
export function pageProps(
  deps: HttpDeps<'config'>,
  context?: HttpContext,
  labels: Labels = {},
): PageProps {
  const { stylesheet, keyshift } = deps;
  const { sandbox, company } = keyshift.config;
  const mountPath = context ? mountPathOf(context, deps) : publicPathOf(deps);
  return {
    stylesheetHref: mountPath + stylesheet.path,
    sandbox,
    language: choosePageLanguage(languageOf(labels), context?.req.header('accept-language')),
    integratorName: company.name,
    logo: company.logo,
    contact: company.contact,
  };
}

/**
 * The labels of a customer whose page is made, as far as they can be read: a page in the wrong
 * language is better than none.
 */
export async function labelsFor(
  { keyshift }: HttpDeps<'store'>,
  connectionId: string | undefined,
): Promise<Labels> {
  if (connectionId === undefined) return {};
  return keyshift.store.labels.of(connectionId).catch(() => ({}));
}

/** What Node received, where the app stands behind a server of Node's. */
interface Incoming extends IncomingParts {
  readonly url?: string;
  /** With the path under which the application mounted what handles it. */
  readonly originalUrl?: string;
}

function incomingOf(context: HttpContext): Incoming | undefined {
  return ((context.env ?? {}) as { incoming?: Incoming }).incoming;
}

/** What some server takes for another path: `.` and `..`, slashes in a row, encoded or backward. */
const oddPath = /(?:^|\/)(?:\.|%2e){1,2}(?:;|%3b|\/|$)|\/\/|\\|%2f|%5c/i;

/**
 * Refuses a path that this server would resolve to another one than the proxy in front of it, whose
 * rules say who may open which.
 *
 * @throws KeyshiftError `request_invalid`
 */
export function assertPlainRoute(context: HttpContext): void {
  const url = incomingOf(context)?.url;
  const [path = ''] = (
    url === undefined ? new URL(context.req.url).pathname : toOriginForm(url)
  ).split('?', 1);
  if (!oddPath.test(path)) return;
  throw new KeyshiftError(
    'request_invalid',
    'The path must not contain . or .. segments, empty segments or backslashes, encoded or not.',
  );
}

/** Where a request came from. */
export function originOf(context: HttpContext, deps: HttpDeps<'readOrigin'>): RequestOrigin {
  return deps.keyshift.readOrigin(incomingOf(context) ?? { socket: {}, headers: {} });
}

/**
 * Runs the check of a credential or a link that the request holds; whoever tries ones that nobody
 * has is slowed down.
 *
 * @throws KeyshiftError `too_many_attempts`, and what `check` throws
 */
export function checkGuess<Result>(
  context: HttpContext,
  deps: HttpDeps<'guesses' | 'readOrigin'>,
  check: () => Result | Promise<Result>,
): Promise<Result> {
  return deps.keyshift.guesses.check(originOf(context, deps).address, check);
}

/** Plain segments only: what a link begins with must not lead to another host. */
const plainPath = /^(?:\/[\w.~%!$&'()*+,;=:@-]+)*$/;

/**
 * What links begin with: the path under which the application has mounted Keyshift, as frameworks
 * in the manner of Express tell it, else the path of PUBLIC_URL. Empty at the root.
 */
export function mountPathOf(context: HttpContext, deps: HttpDeps<'config'>): string {
  const { url = '', originalUrl = url } = incomingOf(context) ?? {};
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
