import { buffer } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { isKeyshiftError, KeyshiftError } from '../errors/keyshift-error.ts';
import { parseApiError } from '../klaviyo/api-error.ts';
import { flattenHeaders } from '../runtime/http-client.ts';
import { KlaviyoApiFailure } from './klaviyo-api-failure.ts';
import { unpack, unpackStream } from './content-coding.ts';

/** Headers of an answer; names in any case. */
export interface ApiHeaders {
  get(name: string): string | null;
  has(name: string): boolean;
  [Symbol.iterator](): IterableIterator<[string, string]>;
}

/** An answer as undici gives it, with its body unread. */
export type RawReply = Pick<Dispatcher.ResponseData, 'statusCode' | 'headers' | 'body'>;

/** What is read at most of a body that is only looked into. */
const startBytes = 64 * 1024;

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
  readonly #body: RawReply['body'];
  readonly #signal: AbortSignal;
  #used = false;
  #onceRead: (() => void) | undefined;
  /** Only where the body comes packed. */
  #unpacked: Readable | undefined;

  /** @param signal ends the reading of the body */
  constructor(reply: RawReply, route: 'key' | 'oauth', signal: AbortSignal) {
    this.status = reply.statusCode;
    this.headers = new ReplyHeaders(reply.headers);
    this.route = route;
    this.#body = reply.body;
    this.#signal = signal;
  }

  /** The body as a stream, unpacked, for those that are too large to be held whole. */
  get body(): Readable {
    this.#onceRead?.();
    const coding = this.#coding;
    if (coding === null) return this.#body;
    this.#unpacked ??= unpackStream(this.#body, coding);
    return this.#unpacked;
  }

  /** Whether the status is 200 to 299. */
  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  async text(): Promise<string> {
    return this.#read((body) => body.text(), toText);
  }

  /** The body as JSON; a value to be parsed, not to be trusted. */
  async json(): Promise<unknown> {
    return this.#read(
      async (body) => JSON.parse(await body.text()) as unknown,
      (bytes) => JSON.parse(toText(bytes)) as unknown,
    );
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return this.#read(
      (body) => body.arrayBuffer(),
      // A copy: small buffers share their memory.
      (bytes) => new Uint8Array(bytes).buffer,
    );
  }

  /** Lets the body go, so that its connection is free for the next call. */
  async dump(signal?: AbortSignal): Promise<void> {
    await this.#body.dump(signal ? { limit: dumpBytes, signal } : { limit: dumpBytes });
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

  /** Calls `done` when the body was read, let go or broken off, or is somebody else's to look after. */
  onceRead(done: () => void): void {
    this.#onceRead = done;
    if (this.#body.closed) done();
    else this.#body.once('close', done);
  }

  /** The beginning of a body that is let go next; undefined where it is too long, packed or broken. */
  async readStart(): Promise<string | undefined> {
    const length = Number(this.headers.get('content-length') ?? 0);
    if (length > startBytes || this.#coding !== null) return undefined;
    return this.#body.text().catch(() => undefined);
  }

  async #read<Result>(
    plain: (body: RawReply['body']) => Promise<Result>,
    convert: (bytes: Buffer) => Result,
  ): Promise<Result> {
    if (this.#used) throw new TypeError('The response body has already been read.');
    this.#used = true;
    this.#signal.throwIfAborted();
    const coding = this.#coding;
    try {
      if (coding === null) return await plain(this.#body);
      return convert(await this.#unpack(await buffer(this.#body), coding));
    } catch (error) {
      this.#signal.throwIfAborted();
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
}

/** A body longer than this is cut off, connection and all: reading on would cost more. */
const dumpBytes = 128 * 1024;

const decoder = new TextDecoder();

function toText(bytes: Buffer): string {
  return decoder.decode(bytes);
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
  readonly #raw: RawReply['headers'];

  constructor(raw: RawReply['headers']) {
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
