import type { IncomingHttpHeaders } from 'node:http';

/** Headers that concern one hop only (RFC 9110 section 7.6.1). */
const hopByHop = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];
/**
 * What goes on to Klaviyo: what HTTP says about content, caches and conditions, and what Klaviyo's
 * API and SDKs use (decisions/018). All else stays here: credentials, cookies, and whatever the
 * networks in front of Keyshift add, which Klaviyo's own network may take for a loop.
 */
const goesOn =
  /^(?:accept|cache-control|date|idempotency-key|pragma|prefer|range|revision|user-agent|(?:accept|content|if|x-klaviyo)-.+)$/;

/** Klaviyo's cookies belong to Klaviyo's host, and so does what it says about other protocols. */
const droppedFromReplies: ReadonlySet<string> = new Set([
  ...hopByHop,
  'set-cookie',
  'alt-svc',
  // An echo of the call would hand its credential to a caller who has another.
  'authorization',
  'keyshift-route',
  'keyshift-request-id',
  'keyshift-error',
]);

/** Names and values in turn, as Node and undici take them. */
export type HeaderList = string[];

/**
 * Headers of a call as they go on to Klaviyo, without its credential.
 *
 * @param plain whether the answer has to come without a content coding
 */
export function forwardedRequestHeaders(
  headers: IncomingHttpHeaders,
  revision: string,
  plain = false,
): HeaderList {
  const forwarded = keepEndToEnd(
    headers,
    (name) => goesOn.test(name) && !(plain && name === 'accept-encoding'),
  );
  if (plain) forwarded.push('accept-encoding', 'identity');
  if (headers['revision'] === undefined) forwarded.push('revision', revision);
  return forwarded;
}

/** Headers of an answer as they go back to the caller. */
export function forwardedReplyHeaders(headers: IncomingHttpHeaders): HeaderList {
  return keepEndToEnd(headers, (name) => !droppedFromReplies.has(name));
}

function keepEndToEnd(headers: IncomingHttpHeaders, keeps: (name: string) => boolean): HeaderList {
  const named = namedByConnection(headers.connection);
  const kept: HeaderList = [];
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined || !keeps(name) || named?.has(name)) continue;
    if (typeof value === 'string') kept.push(name, value);
    else for (const each of value) kept.push(name, each);
  }
  return kept;
}

/** Headers that `Connection` declares to be for this hop; the usual values name none. */
function namedByConnection(connection: string | undefined): ReadonlySet<string> | undefined {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') {
    return undefined;
  }
  const names = connection.split(',').map((name) => name.trim().toLowerCase());
  // What the body is and the revision are needed at the other end, whatever a caller says.
  return new Set(names.filter((name) => name !== 'revision' && !name.startsWith('content-')));
}
