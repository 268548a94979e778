import { routePath } from 'hono/route';
import { errorTable } from '../errors/error-table.ts';
import { isKeyshiftError, KeyshiftError } from '../errors/keyshift-error.ts';
import { pageProps, wantsPage, type HttpContext, type HttpDeps } from './http-context.ts';
import { ErrorPage } from './pages/error-page.tsx';
import { pageHeaders } from './pages/page-policy.ts';

/** Any thrown value as an error of the table; what is not one becomes `internal`. */
export function toKnownError(error: unknown): KeyshiftError {
  if (isKeyshiftError(error)) return error;
  return new KeyshiftError('internal', 'The request could not be completed.', { cause: error });
}

/** Logs an error once, with the request that it failed. */
export function logError(
  context: HttpContext,
  deps: Pick<HttpDeps, 'logFailure'>,
  error: KeyshiftError,
): void {
  const bindings = { requestId: context.get('requestId'), path: routePath(context) };
  deps.logFailure('request failed', error, bindings);
}

/**
 * Answers an error as JSON, or as a page for a browser.
 *
 * @param page.requestId where another request failed than the one that is answered
 */
export function answerError(
  context: HttpContext,
  deps: HttpDeps<'config'>,
  error: KeyshiftError,
  page: { readonly retryHref?: string | undefined; readonly requestId?: string } = {},
): Response | Promise<Response> {
  const status = error.status as 400;
  const headers: Record<string, string> = { 'cache-control': 'no-store', vary: 'accept' };
  if (error.retryAfterSec !== undefined) headers['retry-after'] = String(error.retryAfterSec);
  const shown = error.toPublicJSON();
  if (!wantsPage(context)) return context.json(shown, status, headers);
  return context.html(
    <ErrorPage
      {...pageProps(deps, context)}
      title={error.title}
      message={shown.error_description}
      fix={shown.fix}
      code={error.code}
      audience={errorTable[error.code].audience}
      requestId={page.requestId ?? context.get('requestId')}
      retryHref={page.retryHref}
      reader={deps.keyshift.config.mode === 'development' ? 'developer' : 'customer'}
    />,
    status,
    { ...pageHeaders(), ...headers },
  );
}
