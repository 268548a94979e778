import { KeyshiftError } from '../errors/keyshift-error.ts';
import { assertPlainPath, toOriginForm } from '../klaviyo/api-path.ts';

/**
 * The path with its query as it goes on: plain paths below `/api/` only.
 *
 * @throws KeyshiftError `request_invalid`
 */
export function checkPath(target: string): string {
  const url = toOriginForm(target);
  const end = url.indexOf('?');
  const path = end < 0 ? url : url.slice(0, end);
  if (!path.startsWith('/api/')) {
    throw new KeyshiftError('request_invalid', 'The path must be below /api/.');
  }
  assertPlainPath(path);
  return url;
}

const forwardedMethods: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'OPTIONS',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
]);

/**
 * The method as it goes on. Another one, as `TRACE`, would have the other end repeat the headers of
 * the call to the caller, and among them a credential that is not the caller's.
 *
 * @throws KeyshiftError `request_invalid`
 */
export function checkMethod(method: string): string {
  if (forwardedMethods.has(method)) return method;
  throw new KeyshiftError('request_invalid', 'Klaviyo’s API does not support this method.');
}
