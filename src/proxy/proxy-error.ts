import type { ServerResponse } from 'node:http';
import type { ErrorCode } from '../errors/error-table.ts';
import type { KeyshiftError } from '../errors/keyshift-error.ts';
import type { Exchange } from './exchange.ts';

/** Codes that Klaviyo has a word of its own for. */
const klaviyoCodes: Partial<Record<ErrorCode, string>> = {
  unauthenticated: 'not_authenticated',
  too_many_attempts: 'throttled',
};

/**
 * Answers an error of Keyshift's own in the form of Klaviyo's API, so that SDKs behave as they do
 * at Klaviyo. The header `Keyshift-Error` tells the two apart; `Keyshift-Route` says which way the
 * call went, if it was sent at all.
 */
export function sendProxyError(
  response: ServerResponse,
  error: KeyshiftError,
  { id: requestId, route }: Pick<Exchange, 'id' | 'route'>,
): void {
  if (response.headersSent) {
    // Half an answer is out: only a broken connection tells the caller that it is not whole.
    response.destroy();
    return;
  }
  const unauthenticated = error.code === 'unauthenticated';
  const code = klaviyoCodes[error.code] ?? error.code;
  const { error_description: description, fix } = error.toPublicJSON();
  const body = JSON.stringify({
    errors: [
      {
        id: requestId,
        status: error.status,
        code,
        title: error.title,
        detail: `${description} ${fix}`,
        source: { pointer: '/data/' },
      },
    ],
  });
  response.writeHead(error.status, {
    'content-type': 'application/vnd.api+json',
    'content-length': Buffer.byteLength(body),
    'keyshift-error': error.code,
    'keyshift-request-id': requestId,
    ...(route === undefined ? {} : { 'keyshift-route': route }),
    ...(unauthenticated ? { 'www-authenticate': 'Bearer, Klaviyo-API-Key' } : {}),
    ...(error.retryAfterSec === undefined ? {} : { 'retry-after': String(error.retryAfterSec) }),
  });
  response.end(body);
}
