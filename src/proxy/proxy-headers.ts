import type { IncomingHttpHeaders } from 'node:http';

/** Headers that concern one hop only (RFC 9110 section 7.6.1), and those that are set anew. */
const dropped: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'host',
  'authorization',
  'cookie',
  'expect',
]);

/** Headers of a call as they go on to Klaviyo, without those that are for Keyshift. */
export function forwardedRequestHeaders(
  headers: IncomingHttpHeaders,
  authorization: string,
  revision: string,
): Record<string, string | string[]> {
  const forwarded = keepEndToEnd(headers);
  for (const name in forwarded) if (name.startsWith('keyshift-')) delete forwarded[name];
  forwarded['authorization'] = authorization;
  forwarded['revision'] ??= revision;
  return forwarded;
}

/** Headers of an answer as they go back to the caller. */
export function forwardedReplyHeaders(
  headers: IncomingHttpHeaders,
): Record<string, string | string[]> {
  const forwarded = keepEndToEnd(headers);
  // Klaviyo's cookies belong to Klaviyo's host.
  delete forwarded['set-cookie'];
  return forwarded;
}

function keepEndToEnd(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  const named = new Set(
    (headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase()),
  );
  const kept: Record<string, string | string[]> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined && !dropped.has(name) && !named.has(name)) kept[name] = value;
  }
  return kept;
}
