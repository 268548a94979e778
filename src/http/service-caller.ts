import { KeyshiftError } from '../errors/keyshift-error.ts';
import { findServiceToken } from '../proxy/proxy-caller.ts';
import type { HttpContext, HttpDeps } from './http-context.ts';

/**
 * The name of the service whose token the request bears.
 *
 * @throws KeyshiftError `unauthenticated`
 */
export function requireServiceToken(
  context: HttpContext,
  { keyshift }: HttpDeps<'config'>,
): string {
  const found = findServiceToken(
    context.req.header('authorization'),
    keyshift.config.serviceTokens,
  );
  if (found) return found.name;
  throw new KeyshiftError(
    'unauthenticated',
    'The request needs Authorization: Bearer <service token>.',
  );
}
