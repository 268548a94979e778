import type { Readable } from 'node:stream';
import { isKeyshiftError, KeyshiftError } from '../errors/keyshift-error.ts';
import { parseApiError } from '../klaviyo/api-error.ts';
import { flattenHeaders } from '../runtime/whole-reply.ts';
import type { ApiExchange } from './api-exchange.ts';
import { unpack, unpackStream } from './content-coding.ts';
import type { Limits } from './call-stop.ts';
import { KlaviyoApiFailure } from './klaviyo-api-failure.ts';

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
 * `text`, `json` and `arrayBuffer` unpack what came packed, end with the call's deadline and signal,
 * and throw KeyshiftError `upstream_timeout` or, when the body breaks off or is no JSON,
 * `upstream_unreadable`. Whoever streams `body` looks after deadline and signal.
 */
export class ApiResponse {
  readonly status: number;
  readonly headers: ApiHeaders;
  /** Which credential the call was sent with. */
  readonly route: 'key' | 'oauth';
  readonly #exchange: ApiExchange;
  readonly #limits: Limits;
  #used = false;
  /** Only where the body comes packed. */
  #unpacked: Readable | undefined;

  /** @param limits tell, when the body is read, how long that may take */
  constructor(exchange: ApiExchange, route: 'key' | 'oauth', limits: Limits) {
    this.status = exchange.status;
    this.headers = new ReplyHeaders(exchange.headers);
    this.route = route;
    this.#exchange = exchange;
    this.#limits = limits;
  }

  /** The body as a stream, unpacked, for those that are too large to be held whole. */
  get body(): Readable {
    const coding = this.#coding;
    if (coding === null) return this.#exchange.stream();
    this.#unpacked ??= unpackStream(this.#exchange.stream(), coding);
    return this.#unpacked;
  }

  /** Whether the status is 200 to 299. */
  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  text(): Promise<string> {
    return this.#read(toText);
  }

  /** The body as JSON; a value to be parsed, not to be trusted. */
  json(): Promise<unknown> {
    return this.#read(toJson);
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    return this.#read(toArrayBuffer);
  }

  /** Lets the body go, so that its connection is free for the next call. */
  dump(signal?: AbortSignal): Promise<void> {
    return this.#exchange.dump(signal);
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

  async #read<Result>(convert: (bytes: Buffer) => Result): Promise<Result> {
    if (this.#used) throw new TypeError('The response body has already been read.');
    this.#used = true;
    const exchange = this.#exchange;
    const { signal } = this.#limits;
    signal?.throwIfAborted();
    try {
      // Small answers come with their head: there is nothing to wait for, and nobody to watch it.
      const bytes = exchange.takeBytes() ?? (await this.#wait(exchange));
      const coding = this.#coding;
      return convert(coding === null ? bytes : await this.#unpack(bytes, coding));
    } catch (error) {
      signal?.throwIfAborted();
      throw toReadError(error, this.status);
    }
  }

  /** How the body comes packed; null where it does not. */
  get #coding(): string | null {
    return this.headers.get('content-encoding');
  }

  async #unpack(bytes: Buffer, coding: string): Promise<Buffer> {
    try {
      return await unpack(bytes, coding);
    } catch (cause) {
      const what = `The body of Klaviyo's ${this.status} is not encoded as its headers say.`;
      throw new KeyshiftError('upstream_unreadable', what, { cause });
    }
  }

  async #wait(exchange: ApiExchange): Promise<Buffer> {
    exchange.guard(this.#limits);
    return exchange.bytes();
  }
}

const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);

function toText(bytes: Buffer): string {
  const isMarked = bytes[0] === 0xef && bytes.subarray(0, 3).equals(byteOrderMark);
  return bytes.toString('utf8', isMarked ? byteOrderMark.length : 0);
}

function toJson(bytes: Buffer): unknown {
  return JSON.parse(toText(bytes));
}

/** A copy: what came from the wire may share its memory with other answers. */
function toArrayBuffer(bytes: Buffer): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

/** A body that was streamed before is its reader's mistake; undici says so by a TypeError. */
function toReadError(error: unknown, status: number): unknown {
  if (isKeyshiftError(error) || error instanceof TypeError) return error;
  const what = error instanceof SyntaxError ? 'is not JSON' : 'broke off';
  return new KeyshiftError('upstream_unreadable', `The body of Klaviyo's ${status} ${what}.`, {
    cause: error,
  });
}

class ReplyHeaders implements ApiHeaders {
  readonly #raw: ApiExchange['headers'];

  constructor(raw: ApiExchange['headers']) {
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
