import { IncomingMessage, type IncomingHttpHeaders } from 'node:http';
import { KeyshiftError } from '../errors/keyshift-error.ts';

/** A request as body parsers leave it. */
export interface ParsedRequest extends IncomingMessage {
  /** With the path under which the application mounted what handles it. */
  originalUrl?: string;
  /** What a body parser of Express made of the body. */
  readonly body?: unknown;
  /** The bytes, where an application keeps them (`verify` of body-parser). */
  readonly rawBody?: unknown;
}

/**
 * The request itself, or, where a body parser has read its body already, one that holds the same
 * body again.
 *
 * @throws KeyshiftError `request_invalid` when the body cannot be told from what the parser left
 */
export function withUnreadBody(request: ParsedRequest): IncomingMessage {
  if (!hasBody(request.headers) || !request.readableDidRead) return request;
  const body = toBytes(request);
  const headers: IncomingHttpHeaders = {
    ...request.headers,
    'content-length': String(body.length),
  };
  delete headers['transfer-encoding'];
  // Body parsers unpack what came compressed.
  delete headers['content-encoding'];
  const replayed: ParsedRequest = new IncomingMessage(request.socket);
  if (request.originalUrl !== undefined) replayed.originalUrl = request.originalUrl;
  replayed.method = request.method ?? 'GET';
  replayed.url = request.url ?? '/';
  replayed.httpVersion = request.httpVersion;
  replayed.headers = headers;
  replayed.rawHeaders = toRawHeaders(headers);
  replayed.complete = true;
  replayed.push(body);
  replayed.push(null);
  return replayed;
}

function hasBody(headers: IncomingHttpHeaders): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

function toBytes({ body, rawBody, headers }: ParsedRequest): Buffer {
  if (Buffer.isBuffer(rawBody)) return rawBody;
  if (Buffer.isBuffer(body)) return body;
  if (typeof body === 'string') return Buffer.from(body);
  const isJson = /^application\/([\w.+-]+\+)?json\b/i.test(headers['content-type'] ?? '');
  if (isJson && typeof body === 'object' && body !== null) return Buffer.from(JSON.stringify(body));
  throw new KeyshiftError(
    'request_invalid',
    'The request body was consumed before Keyshift could read it.',
    {
      fix: 'Mount Keyshift before the body parser: app.use(createMiddleware(keyshift)) has to come first.',
    },
  );
}

function toRawHeaders(headers: IncomingHttpHeaders): string[] {
  return Object.entries(headers).flatMap(([name, value]) =>
    [value ?? []].flat().flatMap((each) => [name, each]),
  );
}
