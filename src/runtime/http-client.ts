import type { Dispatcher } from 'undici';
import { isKeyshiftError, KeyshiftError } from '../errors/keyshift-error.ts';
import { Agent, errors, Pool } from './undici-parts.ts';
import {
  BrokenOffError,
  TooLargeError,
  WholeReply,
  type HttpReply,
  type WholeAnswer,
} from './whole-reply.ts';

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
      await Promise.all([dispatcher, ...pools.values()].map((each) => each.close()));
    },
    send: (request) => send(dispatcher, request, maxReplyBytes),
  };
}

async function send(
  dispatcher: Dispatcher,
  { method, url, headers, body, deadlineMs, signal }: HttpRequest,
  maxReplyBytes: number,
): Promise<HttpReply> {
  signal?.throwIfAborted();
  const { origin, pathname, search } = new URL(url);
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  try {
    const answer = await new Promise<WholeAnswer>((resolve, reject) => {
      const reply = new WholeReply(maxReplyBytes, { resolve, reject });
      timer = setTimeout(() => {
        reply.abort(new DeadlineError(deadlineMs));
      }, deadlineMs);
      if (signal) {
        onAbort = () => {
          reply.abort(signal.reason as Error);
        };
        signal.addEventListener('abort', onAbort, { once: true });
      }
      const path = pathname + search;
      dispatcher.dispatch(
        { origin, path, method, headers: headers ?? {}, body: body ?? null },
        reply,
      );
    });
    const { bytes, ...head } = answer;
    return { ...head, body: bytes.toString() };
  } catch (error) {
    throw toKeyshiftError(error, url, signal);
  } finally {
    clearTimeout(timer);
    if (onAbort) signal?.removeEventListener('abort', onAbort);
  }
}

class DeadlineError extends Error {
  readonly deadlineMs: number;
  constructor(deadlineMs: number) {
    super(`no answer within ${deadlineMs} ms`);
    this.deadlineMs = deadlineMs;
  }
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
