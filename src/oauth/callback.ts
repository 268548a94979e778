import * as oauth from 'oauth4webapi';
import { KeyshiftError } from '../errors/keyshift-error.ts';

/**
 * Reads the query of a callback as an authorization response (RFC 6749 section 4.1.2).
 *
 * @returns the parameters, as the code exchange takes them
 * @throws KeyshiftError `authorization_denied`, `approval_not_allowed`, `authorization_failed`,
 * `code_missing`
 */
export function validateCallback(
  server: oauth.AuthorizationServer,
  client: oauth.Client,
  query: URLSearchParams,
  state: string,
): URLSearchParams {
  const repeated = ['code', 'state', 'error', 'iss'].find((name) => query.getAll(name).length > 1);
  if (repeated !== undefined) {
    throw new KeyshiftError('authorization_failed', `The callback contains ${repeated} twice.`);
  }
  const error = query.get('error');
  if (error !== null) throw toCallbackError(error, query.get('error_description') ?? '');
  if (!query.get('code')) {
    throw new KeyshiftError('code_missing', 'The callback contains neither a code nor an error.');
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

/**
 * Klaviyo does not say how it refuses a person whose role may not install apps; as a rule it keeps
 * them on its own page. Where it does send them back, only its words can tell.
 */
const speaksOfRole = /\b(role|admin|administrator|manager|permitted|privileges?)\b/i;

function toCallbackError(error: string, description: string): KeyshiftError {
  if (error !== 'access_denied' ? /role|permission/.test(error) : speaksOfRole.test(description)) {
    return new KeyshiftError(
      'approval_not_allowed',
      'Klaviyo sent the person back without approval, and mentions a role or a permission.',
    );
  }
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
