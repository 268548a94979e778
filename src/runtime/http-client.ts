import { Agent, type Dispatcher, errors, Pool, request } from 'undici';
import { isKeyshiftError, KeyshiftError } from '../errors/keyshift-error.ts';

/** A small call to another host: its answer is read whole. */
export interface HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Milliseconds for the whole exchange, from connecting to the last byte. */
  readonly deadlineMs: number;
  /** Ends the call early; the deadline holds in any case. */
  readonly signal?: AbortSignal;
}

/** An answer, read whole. Header names are lower case; repeated ones are joined by a comma. */
export interface HttpReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Calls to the outside, with keep-alive connections and a deadline on each. */
export interface HttpClient {
  /**
   * Sends one request and reads the answer whole. Redirects are not followed, so that no
   * credential travels to another host.
   *
   * @throws KeyshiftError `upstream_timeout` past the deadline, `upstream_unreachable` when no
   * answer came, `upstream_unreadable` when the answer is too large or breaks off
   */
  send(request: HttpRequest): Promise<HttpReply>;
  /** For calls that stream; owned by this client. */
  readonly dispatcher: Dispatcher;
  /** For many calls to one origin: it does not look for the origin with each. */
  dispatcherOf(origin: string): Dispatcher;
  close(): Promise<void>;
}

/** Tuning of {@link createHttpClient}. */
export interface HttpClientOptions {
  /** Carries every call in place of connections of its own. */
  readonly dispatcher?: Dispatcher;
  /** Connections kept per origin. */
  readonly connections?: number;
  /** Bytes of an answer that is read whole; more is `upstream_unreadable`. */
  readonly maxReplyBytes?: number;
}

/**
 * Creates the one client through which Keyshift calls Klaviyo.
 *
 * @example
 * ```ts
 * const http = createHttpClient();
 * const reply = await http.send({ method: 'GET', url, deadlineMs: 10_000 });
 * ```
 */
export function createHttpClient(options: HttpClientOptions = {}): HttpClient {
  const maxReplyBytes = options.maxReplyBytes ?? 10 * 1024 * 1024;
  const settings = {
    connections: options.connections ?? 128,
    connect: { timeout: 5_000 },
    headersTimeout: 60_000,
    bodyTimeout: 60_000,
  };
  const dispatcher = options.dispatcher ?? new Agent(settings);
  const pools = new Map<string, Pool>();
  return {
    dispatcher,
    dispatcherOf(origin) {
      if (options.dispatcher) return options.dispatcher;
      let pool = pools.get(origin);
      if (!pool) pools.set(origin, (pool = new Pool(origin, settings)));
      return pool;
    },
    async close() {
      await Promise.all([dispatcher, ...pools.values()].map((each) => each.close()));
    },
    async send({ method, url, headers, body, deadlineMs, signal }) {
      const controller = new AbortController();
      const timer = setTimeout(() => {
        controller.abort(new DeadlineError(deadlineMs));
      }, deadlineMs);
      const onAbort = () => {
        controller.abort(signal?.reason);
      };
      if (signal?.aborted) onAbort();
      signal?.addEventListener('abort', onAbort, { once: true });
      try {
        const reply = await request(url, {
          method,
          headers: headers ?? {},
          body: body ?? null,
          signal: controller.signal,
          dispatcher,
        });
        return {
          status: reply.statusCode,
          headers: flattenHeaders(reply.headers),
          body: await readText(reply.body, maxReplyBytes, controller.signal),
        };
      } catch (error) {
        throw toKeyshiftError(error, url, signal);
      } finally {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
      }
    },
  };
}

class DeadlineError extends Error {
  readonly deadlineMs: number;
  constructor(deadlineMs: number) {
    super(`no answer within ${deadlineMs} ms`);
    this.deadlineMs = deadlineMs;
  }
}

class TooLargeError extends Error {}

/** The answer began and did not come to its end. */
class BrokenOffError extends Error {}

async function readText(
  body: Dispatcher.ResponseData['body'],
  maxReplyBytes: number,
  signal: AbortSignal,
): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxReplyBytes) throw new TooLargeError(`more than ${maxReplyBytes} bytes`);
      chunks.push(chunk);
    }
  } catch (cause) {
    if (cause instanceof TooLargeError || signal.aborted) throw cause;
    throw new BrokenOffError('half an answer', { cause });
  }
  return chunks.length === 1 ? (chunks[0] as Buffer).toString() : Buffer.concat(chunks).toString();
}

/** Joins repeated headers, as RFC 9110 section 5.3 allows for all but `set-cookie`. */
export function flattenHeaders(
  headers: Record<string, string | string[] | undefined>,
): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined) flat[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return flat;
}

/** Turns a transport failure into a `KeyshiftError`; the message names the host, never the query. */
export function toKeyshiftError(
  error: unknown,
  url: string,
  signal?: AbortSignal,
): KeyshiftError | Error {
  if (isKeyshiftError(error)) return error;
  if (signal?.aborted) return signal.reason as Error;
  const { host, pathname } = new URL(url);
  const target = `${host}${pathname}`;
  if (error instanceof DeadlineError) {
    return new KeyshiftError('upstream_timeout', `${target}: ${error.message}`, { cause: error });
  }
  if (
    error instanceof errors.HeadersTimeoutError ||
    error instanceof errors.BodyTimeoutError ||
    error instanceof errors.ConnectTimeoutError
  ) {
    return new KeyshiftError('upstream_timeout', `${target} did not answer in time`, {
      cause: error,
    });
  }
  if (error instanceof TooLargeError || error instanceof BrokenOffError) {
    return new KeyshiftError('upstream_unreadable', `${target} answered ${error.message}`, {
      cause: error,
    });
  }
  const code = (error as { code?: string }).code ?? (error as Error).name;
  return new KeyshiftError('upstream_unreachable', `${target} could not be reached (${code})`, {
    cause: error,
  });
}
