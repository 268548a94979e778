import type { Dispatcher } from 'undici';

/** An answer, read whole. Header names are lower case; repeated ones are joined by a comma. */
export interface HttpReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** An answer as its bytes came. */
export interface WholeAnswer extends Omit<HttpReply, 'body'> {
  readonly bytes: Buffer;
}

/** The answer is larger than what is read whole. */
export class TooLargeError extends Error {}

/** The answer began and did not come to its end. */
export class BrokenOffError extends Error {}

/** Who is told of a whole answer, or that there is none. */
export interface ReplyListener {
  readonly resolve: (answer: WholeAnswer) => void;
  readonly reject: (error: Error) => void;
}

/** Reads one answer whole, straight from undici's connection: no stream, and no abort signal. */
export class WholeReply implements Dispatcher.DispatchHandler {
  readonly #maxBytes: number;
  readonly #listener: ReplyListener;
  readonly #chunks: Buffer[] = [];
  #size = 0;
  #status = 0;
  #headers: Dispatcher.ResponseData['headers'] = {};
  #controller: Dispatcher.DispatchController | undefined;
  #reason: Error | undefined;

  constructor(maxBytes: number, listener: ReplyListener) {
    this.#maxBytes = maxBytes;
    this.#listener = listener;
  }

  /** Ends the exchange, and its connection with it. */
  abort(reason: Error): void {
    if (this.#reason) return;
    this.#reason = reason;
    this.#listener.reject(reason);
    this.#controller?.abort(reason);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#reason) controller.abort(this.#reason);
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Dispatcher.ResponseData['headers'],
  ): void {
    if (status < 200) return;
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#size += chunk.length;
    if (this.#size > this.#maxBytes) {
      this.abort(new TooLargeError(`more than ${this.#maxBytes} bytes`));
    } else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    const chunks = this.#chunks;
    this.#listener.resolve({
      status: this.#status,
      headers: flattenHeaders(this.#headers),
      bytes: chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks),
    });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#reason) return;
    const cause = { cause: error };
    const broken = this.#status > 0 && !(error.name === 'BodyTimeoutError');
    this.#listener.reject(broken ? new BrokenOffError('an incomplete answer', cause) : error);
  }
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
