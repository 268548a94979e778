import * as oauth from 'oauth4webapi';
import { KeyshiftError } from '../errors/keyshift-error.ts';

/**
 * Reads the query of a callback as an authorization response (RFC 6749 section 4.1.2).
 *
 * @returns the parameters, as the code exchange takes them
 * @throws KeyshiftError `authorization_denied`, `authorization_failed`, `code_missing`
 */
export function validateCallback(
  server: oauth.AuthorizationServer,
  client: oauth.Client,
  query: URLSearchParams,
  state: string,
): URLSearchParams {
  const repeated = ['code', 'state', 'error', 'iss'].find((name) => query.getAll(name).length > 1);
  if (repeated !== undefined) {
    throw new KeyshiftError('authorization_failed', `The callback holds ${repeated} twice.`);
  }
  const error = query.get('error');
  if (error !== null) throw toCallbackError(error);
  if (!query.get('code')) {
    throw new KeyshiftError('code_missing', 'The callback holds neither a code nor an error.');
  }
  try {
    return oauth.validateAuthResponse(server, client, query, state);
  } catch (cause) {
    throw new KeyshiftError(
      'authorization_failed',
      'The callback is not a valid authorization response.',
      { cause },
    );
  }
}

function toCallbackError(error: string): KeyshiftError {
  if (error === 'access_denied') {
    return new KeyshiftError(
      'authorization_denied',
      'The request for access was declined in Klaviyo.',
    );
  }
  // Only the standard form is repeated (RFC 6749 section 4.1.2.1): a link can put any text here.
  const known = /^[a-z_]{1,40}$/.test(error) ? ` (${error})` : '';
  return new KeyshiftError(
    'authorization_failed',
    `Klaviyo ended the authorization with an error${known}.`,
  );
}
