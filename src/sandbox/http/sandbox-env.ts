import type { Context } from 'hono';

/** What is below a request: a socket, or a caller in the same process. */
export interface Connection {
  /** Address of the client, empty when it has gone. */
  readonly remoteAddress: string;
  /** Breaks off without another byte. */
  reset(): void;
  /** Promises the whole answer, sends half of it and breaks off. */
  sendHalf(answer: Response): Promise<void>;
}

/** Which kind of credential a request carried; never the credential itself. */
export type CredentialKind = 'key' | 'oauth' | 'none';

/** What the request log keeps about how a request was understood. */
export interface RequestTrace {
  readonly credential?: CredentialKind;
  readonly accountId?: string;
  /** Klaviyo's operation id, or `oauth_authorize`, `oauth_refresh`, … */
  readonly operation?: string;
}

/** What the sandbox's app is called with, and what its handlers tell each other. */
export interface SandboxEnv {
  readonly Bindings: Connection;
  readonly Variables: {
    /** `undefined` when it was larger than the limit. */
    body: Buffer | undefined;
    trace: RequestTrace | undefined;
    /** Kind of the fault that was applied. */
    fault: string | undefined;
    /** How much of the answer is sent. Default: all of it. */
    send: 'half' | 'nothing' | undefined;
  };
}

/** A request with its body read: handlers answer it without waiting for anything. */
export type SandboxCall = Context<SandboxEnv>;

/** Adds to what is known of a request; what was known before stays. */
export function trace(c: SandboxCall, known: RequestTrace): void {
  c.set('trace', { ...known, ...c.var.trace });
}

/** The path as sent, percent-encoding included, without the query. */
export function pathOf({ req: { url } }: SandboxCall): string {
  const start = url.indexOf('/', url.indexOf('://') + 3);
  const end = url.indexOf('?', start);
  return end === -1 ? url.slice(start) : url.slice(start, end);
}

/** The query as sent, with its question mark; empty without one. */
export function searchOf({ req: { url } }: SandboxCall): string {
  const mark = url.indexOf('?');
  return mark === -1 || mark === url.length - 1 ? '' : url.slice(mark);
}

export function queryOf(c: SandboxCall): URLSearchParams {
  return new URLSearchParams(searchOf(c));
}

/** The media type of the body in lower case, without parameters. */
export function mediaType(c: SandboxCall): string {
  return (c.req.header('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/** Whether the body is a form, as browsers and `curl -d` send it. */
export function isForm(c: SandboxCall): boolean {
  return mediaType(c) === 'application/x-www-form-urlencoded';
}

/** The fields of a form-encoded body: none when the body is anything else. */
export function formOf(c: SandboxCall): URLSearchParams {
  return new URLSearchParams(isForm(c) ? c.var.body?.toString('utf8') : '');
}

/** A path without its trailing slash. */
export function trimSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}
