import { KeyshiftError } from '../errors/keyshift-error.ts';

/** Segments that some server takes for `.` or `..`, encoded or with a matrix parameter behind. */
const dotSegment = /(^|\/|%2f)(\.|%2e){1,2}(;|%3b|\/|%2f|$)/i;
const oddCharacter = /[\\#]|%5c|%00|%0[ad]/i;

/**
 * The path with its query as it goes on, unchanged: plain paths below `/api/` only. Whatever a
 * server at the other end decodes, it cannot climb out of there.
 *
 * @throws KeyshiftError `request_invalid`
 */
export function checkPath(url: string): string {
  const end = url.indexOf('?');
  const path = end < 0 ? url : url.slice(0, end);
  const plain = path.startsWith('/api/') && !dotSegment.test(path) && !oddCharacter.test(path);
  if (plain) return url;
  throw new KeyshiftError('request_invalid', 'The path must be a plain path below /api/.');
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
