/** Which kind of credential a request carried; never the credential itself. */
export type CredentialKind = 'key' | 'oauth' | 'none';

/** What the request log keeps about how a request was understood. */
export interface RequestTrace {
  readonly credential?: CredentialKind;
  readonly accountId?: string;
  /** Klaviyo's operation id, or `oauth_authorize`, `oauth_refresh`, … */
  readonly operation?: string;
}

/** An answer as plain data, so that a fault can change, cut or lose it. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly trace?: RequestTrace;
}

/** An answer of the OAuth endpoints and the sandbox's own. Tokens must not be cached (RFC 6749). */
export function jsonReply(
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): Reply {
  return {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
    body: JSON.stringify(value),
  };
}

export function textReply(
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Reply {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers }, body };
}

/** A page or a list: other methods than reading are answered 405. */
export function getOnly({ method }: { readonly method: string }, reply: () => Reply): Reply {
  return method === 'GET' || method === 'HEAD'
    ? reply()
    : textReply(405, 'Use GET.\n', { allow: 'GET, HEAD' });
}

export function redirectReply(location: string): Reply {
  return { status: 302, headers: { location, 'cache-control': 'no-store' }, body: '' };
}

/** The same answer with more known about the request. */
export function traced(reply: Reply, trace: RequestTrace): Reply {
  return { ...reply, trace: { ...trace, ...reply.trace } };
}
