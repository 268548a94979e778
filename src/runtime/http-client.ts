import { Agent, errors, Pool, type Dispatcher } from 'undici';
import { isKeyshiftError, KeyshiftError } from '../errors/keyshift-error.ts';
import { systemClock, type Clock } from './clock.ts';

/** A small call to another host: its answer is read whole. */
export interface HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Milliseconds for the whole exchange, from connecting to the last byte. */
  readonly deadlineMs: number;
  /** Ends the call early; the deadline holds in any case. */
  readonly signal?: AbortSignal | undefined;
  /** Bytes of the answer that are read in place of what the client reads at most. */
  readonly maxReplyBytes?: number;
}

/** An answer. Header names are lower case; repeated ones are joined by a comma. */
export interface HttpReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** An answer as it was read. */
export interface WholeReply extends HttpReply {
  /** The body as it came. */
  readonly bytes: Buffer;
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
  send(request: HttpRequest): Promise<WholeReply>;
  /** For calls that stream; owned by this client. */
  readonly dispatcher: Dispatcher;
  /** For many calls to one origin: it does not look for the origin with each. */
  dispatcherOf(origin: string): Dispatcher;
  /** Closes the connections of its own. A dispatcher that was given stays open: it is the giver's. */
  close(): Promise<void>;
}

/** Tuning of {@link createHttpClient}. */
export interface HttpClientOptions {
  /** Carries every call in place of connections of its own. */
  readonly dispatcher?: Dispatcher | undefined;
  /** Connections kept per origin. */
  readonly connections?: number;
  /** Bytes of an answer that is read whole; more is `upstream_unreadable`. */
  readonly maxReplyBytes?: number;
  readonly clock?: Clock | undefined;
}

/**
 * Creates a client through which Keyshift calls Klaviyo: the one owner of its connections.
 *
 * @example
 * ```ts
 * const http = createHttpClient();
 * const reply = await http.send({ method: 'GET', url, deadlineMs: 10_000 });
 * ```
 */
export function createHttpClient(options: HttpClientOptions = {}): HttpClient {
  const { clock = systemClock } = options;
  const maxReplyBytes = options.maxReplyBytes ?? 10 * 1024 * 1024;
  const settings = {
    connections: options.connections ?? 128,
    connect: { timeout: 5_000 },
    headersTimeout: 60_000,
    bodyTimeout: 60_000,
  };
  const dispatcher = options.dispatcher ?? new Agent(settings);
  const pools = new Map<string, Dispatcher>();
  return {
    dispatcher,
    dispatcherOf(origin) {
      if (options.dispatcher) return options.dispatcher;
      let pool = pools.get(origin);
      if (!pool) pools.set(origin, (pool = new Pool(origin, settings)));
      return pool;
    },
    async close() {
      if (options.dispatcher) return;
      await Promise.all([dispatcher, ...pools.values()].map((each) => each.close()));
    },
    send: (request) => send(dispatcher, clock, { maxReplyBytes, ...request }),
  };
}

async function send(
  dispatcher: Dispatcher,
  clock: Clock,
  request: HttpRequest & { readonly maxReplyBytes: number },
): Promise<WholeReply> {
  const { method, url, headers = {}, body = null, deadlineMs, signal, maxReplyBytes } = request;
  signal?.throwIfAborted();
  const { origin, pathname, search } = new URL(url);
  const stop = new AbortController();
  const onAbort = () => {
    stop.abort(signal?.reason);
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  const timer = clock.timer(deadlineMs, () => {
    stop.abort(new DeadlineError(deadlineMs));
  });
  try {
    const path = pathname + search;
    const call = { origin, path, method, headers, body, signal: stop.signal };
    const answer = await dispatcher.request(call);
    const bytes = await readWhole(answer.body, maxReplyBytes);
    return {
      status: answer.statusCode,
      headers: flattenHeaders(answer.headers),
      body: bytes.toString(),
      bytes,
    };
  } catch (error) {
    throw toKeyshiftError(error, url, signal);
  } finally {
    timer.cancel();
    signal?.removeEventListener('abort', onAbort);
  }
}

/** Reads a body to its end; its connection goes with one that is too large. */
async function readWhole(body: Dispatcher.ResponseData['body'], most: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > most) throw new UnreadableError(`more than ${most} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    if (isFinal(error)) throw error;
    throw new UnreadableError('an incomplete answer', { cause: error });
  }
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
}

/** Whether an error says by itself why the body ended early. */
function isFinal(error: unknown): boolean {
  return (
    error instanceof UnreadableError ||
    error instanceof DeadlineError ||
    error instanceof errors.BodyTimeoutError
  );
}

class UnreadableError extends Error {}

class DeadlineError extends Error {
  constructor(deadlineMs: number) {
    super(`no answer within ${deadlineMs} ms`);
  }
}

/** Joins repeated headers, as RFC 9110 section 5.3 allows for all but `set-cookie`. */
export function flattenHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
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
  if (error instanceof UnreadableError) {
    return new KeyshiftError('upstream_unreadable', `${target} answered ${error.message}`, {
      cause: error,
    });
  }
  const code = (error as { code?: string }).code ?? (error as Error).name;
  return new KeyshiftError('upstream_unreachable', `${target} could not be reached (${code})`, {
    cause: error,
  });
}

/** What a transport failure says about the call that met it. */
export type SendFault =
  /** Nothing was sent: the connection was never there. */
  | 'unsent'
  /** The answer did not come, or broke off: the call may have been applied. */
  | 'broken'
  /** The call cannot be sent as it is. */
  | 'mistake';

/** Tells from an error of undici what became of the request. */
export function faultOf(error: unknown): SendFault {
  if (
    error instanceof errors.InvalidArgumentError ||
    error instanceof errors.NotSupportedError ||
    error instanceof errors.RequestContentLengthMismatchError
  ) {
    return 'mistake';
  }
  return isUnsent(error) ? 'unsent' : 'broken';
}

/** Failures before a byte of the request went out. */
function isUnsent(error: unknown): boolean {
  if (error instanceof errors.ConnectTimeoutError) return true;
  // A host with several addresses fails with one error for each of them.
  if (error instanceof AggregateError) return error.errors.every(isUnsent);
  const { code, syscall } = error as NodeJS.ErrnoException;
  return syscall === 'connect' || code === 'ENOTFOUND' || code === 'EAI_AGAIN';
}
