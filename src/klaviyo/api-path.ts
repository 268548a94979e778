import { KeyshiftError } from '../errors/keyshift-error.ts';

/**
 * The path of a request target with its query. A target in absolute form
 * (`GET http://host/api/… HTTP/1.1`, RFC 9112 section 3.2.2) names it behind the host; and slashes
 * in front of `/api/` and `/client/` are one, because some clients join a host that ends in a slash
 * and a path that begins with one.
 */
export function toOriginForm(target: string): string {
  if (target.startsWith('/') && !target.startsWith('//')) return target;
  const path = target.replace(/^https?:\/\/[^/?#]*/i, '');
  if (path !== target && !path.startsWith('/')) return `/${path}`;
  return path.replace(/^\/{2,}(?=(?:api|client)\/)/, '/');
}

/** Segments that some server takes for `.` or `..`, encoded or with a matrix parameter behind. */
const dotSegment = /(?:^|\/|%2f)(?:\.|%2e){1,2}(?:;|%3b|\/|%2f|$)/i;
const oddCharacter = /[\\#]|%5c|%00|%0[ad]/i;

/**
 * The one rule for paths of calls, in the library and in the proxy: whatever a server at the other
 * end decodes, an id that somebody chose does not lead to another endpoint.
 *
 * @param path without its query
 * @throws KeyshiftError `request_invalid`
 */
export function assertPlainPath(path: string): void {
  if (!dotSegment.test(path) && !oddCharacter.test(path)) return;
  throw new KeyshiftError(
    'request_invalid',
    'The path must not contain . or .. segments, backslashes or line breaks, encoded or not.',
    { fix: 'Check the IDs that you put into the path.' },
  );
}
