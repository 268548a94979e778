import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/** What is known of a request before its body is read. */
export interface RequestHead {
  readonly method: string;
  /** As sent, percent-encoding included, without the query. */
  readonly path: string;
  /** As sent, without the question mark. */
  readonly search: string;
  readonly headers: IncomingHttpHeaders;
  /** Address of the client, empty when it has gone. */
  readonly remoteAddress: string;
}

/** A request with its body read: handlers answer it without waiting for anything. */
export interface SandboxRequest extends RequestHead {
  /** `undefined` when it was larger than the limit. */
  readonly body: Buffer | undefined;
}

/** Largest body in bytes: the most an event may have (Klaviyo's OpenAPI file). */
const bodyLimit = 5 * 1024 * 1024;

/** The same for the sandbox's own routes: snapshots and seeds may hold many accounts. */
const ownBodyLimit = 512 * 1024 * 1024;

const nothing = Buffer.alloc(0);

/**
 * Reads a request; rejects when the client goes away in the middle of it.
 *
 * @param isRefused whether it will be refused, whatever its body: then nothing of that is kept
 */
export async function readRequest(
  incoming: IncomingMessage,
  isRefused: (head: RequestHead) => boolean,
): Promise<SandboxRequest> {
  const target = incoming.url ?? '/';
  const mark = target.indexOf('?');
  const head: RequestHead = {
    method: incoming.method ?? 'GET',
    path: mark === -1 ? target : target.slice(0, mark),
    search: mark === -1 ? '' : target.slice(mark + 1),
    headers: incoming.headers,
    remoteAddress: incoming.socket.remoteAddress ?? '',
  };
  const limit = isRefused(head) ? 0 : bodyLimitFor(head.path);
  const body = hasBody(incoming.headers) ? await readBody(incoming, limit) : nothing;
  return { ...head, body };
}

function bodyLimitFor(path: string): number {
  return path.startsWith('/_sandbox/') ? ownBodyLimit : bodyLimit;
}

function hasBody(headers: IncomingHttpHeaders): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
}

/** Reads to the end even past the limit: a client that still sends would miss the answer. */
async function readBody(incoming: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= limit) chunks.push(chunk);
  }
  return size > limit ? undefined : Buffer.concat(chunks, size);
}

/** The media type of the body in lower case, without parameters. */
export function mediaType(request: SandboxRequest): string {
  return (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/** The fields of a form-encoded body: none when the body is anything else. */
export function readForm(request: SandboxRequest): URLSearchParams {
  const isForm = mediaType(request) === 'application/x-www-form-urlencoded';
  return new URLSearchParams(isForm ? request.body?.toString('utf8') : '');
}

/** A path without its trailing slash. */
export function trimSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}
