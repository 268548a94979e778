import type { Dispatcher } from 'undici';
import { isKeyshiftError, KeyshiftError } from '../errors/keyshift-error.ts';
import { parseApiError } from '../klaviyo/api-error.ts';
import { flattenHeaders } from '../runtime/http-client.ts';
import { KlaviyoApiFailure } from './klaviyo-api-failure.ts';
import { startTimer, type Limits } from './call-stop.ts';

/** Headers of an answer; names in any case. */
export interface ApiHeaders {
  get(name: string): string | null;
  has(name: string): boolean;
  [Symbol.iterator](): IterableIterator<[string, string]>;
}

/**
 * An answer of Klaviyo's API, with the members of a `Response` that matter. The body is read once,
 * or streamed from `body`; one that nobody wants should be let go with {@link ApiResponse.dump}.
 *
 * `text`, `json` and `arrayBuffer` end with the call's deadline and signal, and throw KeyshiftError
 * `upstream_timeout` or, when the body breaks off or is no JSON, `upstream_unreadable`. Whoever
 * streams `body` looks after both.
 */
export class ApiResponse {
  readonly status: number;
  readonly headers: ApiHeaders;
  /** Which credential the call was sent with. */
  readonly route: 'key' | 'oauth';
  readonly body: Dispatcher.ResponseData['body'];
  readonly #limits: () => Limits;
  #used = false;

  /** @param limits tells, when the body is read, how long that may take */
  constructor(reply: Dispatcher.ResponseData, route: 'key' | 'oauth', limits: () => Limits) {
    this.status = reply.statusCode;
    this.headers = new ReplyHeaders(reply.headers);
    this.route = route;
    this.body = reply.body;
    this.#limits = limits;
  }

  /** Whether the status is 200 to 299. */
  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  text(): Promise<string> {
    return this.#read((body) => body.text());
  }

  /** The body as JSON; a value to be parsed, not to be trusted. */
  json(): Promise<unknown> {
    return this.#read((body) => body.json());
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    return this.#read((body) => body.arrayBuffer());
  }

  /** Lets the body go, so that its connection is free for the next call. */
  dump(signal?: AbortSignal): Promise<void> {
    return this.body.dump(signal ? { limit: dumpBytes, signal } : { limit: dumpBytes });
  }

  /**
   * The response itself when it is `ok`.
   *
   * @throws KlaviyoApiFailure with Klaviyo's error id, code and detail
   */
  async orThrow(): Promise<this> {
    if (this.ok) return this;
    throw new KlaviyoApiFailure(this.status, parseApiError(await this.text()));
  }

  /** Small answers come with their head: there is nothing to wait for, and nobody to watch it. */
  #isWhole(): boolean {
    const length = this.headers.get('content-length');
    return length !== null && this.body.readableLength >= Number(length);
  }

  async #read<Result>(
    read: (body: Dispatcher.ResponseData['body']) => Promise<Result>,
  ): Promise<Result> {
    const { body, status } = this;
    if (this.#used) throw new TypeError('The body of the answer was read before.');
    this.#used = true;
    const { leftMs, onTimeout, signal } = this.#limits();
    signal?.throwIfAborted();
    if (this.#isWhole()) {
      return read(body).catch((error: unknown) => {
        throw toReadError(error, status);
      });
    }
    const onAbort = () => body.destroy(signal?.reason as Error);
    signal?.addEventListener('abort', onAbort, { once: true });
    const timer = startTimer(leftMs, () => body.destroy(onTimeout()));
    try {
      return await read(body);
    } catch (error) {
      signal?.throwIfAborted();
      throw toReadError(error, status);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    }
  }
}

/** A body that was streamed before is its reader's mistake; undici says so by a TypeError. */
function toReadError(error: unknown, status: number): unknown {
  if (isKeyshiftError(error) || error instanceof TypeError) return error;
  const what = error instanceof SyntaxError ? 'is not JSON' : 'broke off';
  return new KeyshiftError('upstream_unreadable', `The body of Klaviyo's ${status} ${what}.`, {
    cause: error,
  });
}

/** A body longer than this is cut off, connection and all: reading on would cost more. */
const dumpBytes = 128 * 1024;

class ReplyHeaders implements ApiHeaders {
  readonly #raw: Dispatcher.ResponseData['headers'];

  constructor(raw: Dispatcher.ResponseData['headers']) {
    this.#raw = raw;
  }

  get(name: string): string | null {
    const value = this.#raw[name.toLowerCase()];
    return typeof value === 'object' ? value.join(', ') : (value ?? null);
  }

  has(name: string): boolean {
    return this.#raw[name.toLowerCase()] !== undefined;
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return Object.entries(flattenHeaders(this.#raw)).values();
  }
}
