import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { Dispatcher } from 'undici';
import { startTimer, type CallStop, type Limits } from './call-stop.ts';

/** A body that nobody has asked for yet waits in memory up to here, and then at Klaviyo. */
const heldBytes = 64 * 1024;

/** A body longer than this is cut off, connection and all: reading on would cost more. */
const dumpBytes = 128 * 1024;

/** Who is told of the head of an answer, or that there is none. */
export interface HeadListener {
  readonly resolve: (exchange: ApiExchange) => void;
  readonly reject: (error: Error) => void;
}

/**
 * One request on the wire and its answer. Most bodies are small, arrive with their head and are
 * read whole: they are kept as they came, and a stream is made only for whoever asks for one.
 * undici's own `request` makes one for every answer, which costs a quarter of a whole call.
 */
export class ApiExchange implements Dispatcher.DispatchHandler {
  status = 0;
  /** Names in lower case. */
  headers: Dispatcher.ResponseData['headers'] = {};
  readonly #stop: CallStop;
  readonly #head: HeadListener;
  #controller: Dispatcher.DispatchController | undefined;
  #chunks: Buffer[] = [];
  #held = 0;
  #isWhole = false;
  #failure: Error | undefined;
  #stream: Readable | undefined;
  /** Bytes that may still arrive unread; absent while the body is kept. */
  #dumpLeft: number | undefined;
  /** Tells whoever waits for the end. */
  #onDone: (() => void) | undefined;
  /** Ends the guard. */
  #unguard: (() => void) | undefined;

  constructor(stop: CallStop, head: HeadListener) {
    this.#stop = stop;
    this.#head = head;
    stop.attach(this);
  }

  /** Ends the exchange; its connection goes with it. Nothing happens after the end. */
  abort(reason: Error): void {
    if (this.#isWhole || this.#failure) return;
    const controller = this.#controller;
    this.#fail(reason);
    controller?.abort(reason);
  }

  /**
   * Ends the exchange with the call's time or signal while its body has not come whole. One that
   * nobody reads would hold its connection for ever, and the next call would wait for a free one.
   * Whoever takes the stream looks after both.
   */
  guard({ leftMs, onTimeout, signal }: Limits): void {
    if (this.#isWhole || this.#failure || this.#unguard) return;
    const onAbort = () => {
      this.abort(signal?.reason as Error);
    };
    if (signal?.aborted) {
      onAbort();
      return;
    }
    signal?.addEventListener('abort', onAbort, { once: true });
    const timer = startTimer(leftMs, () => {
      this.abort(onTimeout());
    });
    this.#unguard = () => {
      this.#unguard = undefined;
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
  }

  /**
   * The body, whole.
   *
   * @throws TypeError when it was streamed before, else what broke it off
   */
  async bytes(): Promise<Buffer> {
    if (this.#stream) {
      if (this.#stream.readableDidRead) throw new TypeError('The body has already been streamed.');
      return buffer(this.#stream);
    }
    if (!this.#isWhole && !this.#failure) {
      this.#held = -Infinity;
      await this.#untilDone();
    }
    if (!this.#isWhole) throw this.#failure as Error;
    return this.#take();
  }

  /** The body when it is here already, without waiting; to be asked once. */
  takeBytes(): Buffer | undefined {
    return this.#isWhole && !this.#stream ? this.#take() : undefined;
  }

  /** The body as a stream, always the same one. */
  stream(): Readable {
    if (this.#stream) return this.#stream;
    this.#unguard?.();
    const stream = new Readable({
      read: () => this.#controller?.resume(),
      destroy: (error, done) => {
        this.abort(error ?? new Error('The stream was destroyed.'));
        done(error);
      },
    });
    // An answer that breaks off while nobody listens is no reason to end the process.
    stream.on('error', () => undefined);
    this.#stream = stream;
    for (const chunk of this.#chunks) stream.push(chunk);
    this.#chunks = [];
    if (this.#isWhole) stream.push(null);
    if (this.#failure) stream.destroy(this.#failure);
    return stream;
  }

  /**
   * Lets the body go, so that its connection is free for the next call.
   *
   * @throws the reason of `signal` when it comes first
   */
  async dump(signal?: AbortSignal): Promise<void> {
    this.#chunks = [];
    if (this.#stream) {
      this.#stream.destroy();
      return;
    }
    if (this.#isWhole || this.#failure) return;
    this.#dumpLeft = Number(this.headers['content-length']) > dumpBytes ? 0 : dumpBytes;
    const onAbort = () => {
      this.abort(signal?.reason as Error);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted) onAbort();
    if (this.#dumpLeft === 0) this.#cutOff();
    else await this.#untilDone();
    signal?.removeEventListener('abort', onAbort);
    signal?.throwIfAborted();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#failure) controller.abort(this.#failure);
    else this.#controller = controller;
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Dispatcher.ResponseData['headers'],
  ): void {
    if (status < 200) return;
    this.status = status;
    this.headers = headers;
    this.#stop.detach(this);
    this.#head.resolve(this);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#stream) {
      if (!this.#stream.push(chunk)) controller.pause();
    } else if (this.#dumpLeft === undefined) {
      this.#chunks.push(chunk);
      this.#held += chunk.length;
      if (this.#held >= heldBytes) controller.pause();
    } else {
      this.#dumpLeft -= chunk.length;
      if (this.#dumpLeft <= 0) this.#cutOff();
    }
  }

  onResponseEnd(): void {
    this.#isWhole = true;
    this.#controller = undefined;
    this.#unguard?.();
    this.#stream?.push(null);
    this.#onDone?.();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (!this.#failure) this.#fail(error);
  }

  #cutOff(): void {
    this.abort(new Error('The body is too long to be read and dropped.'));
  }

  #take(): Buffer {
    const chunks = this.#chunks;
    this.#chunks = [];
    return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
  }

  #fail(error: Error): void {
    this.#failure = error;
    this.#controller = undefined;
    this.#unguard?.();
    this.#stop.detach(this);
    // Too late for whoever has the head.
    this.#head.reject(error);
    this.#stream?.destroy(error);
    this.#onDone?.();
  }

  #untilDone(): Promise<void> {
    const done = new Promise<void>((resolve) => (this.#onDone = resolve));
    this.#controller?.resume();
    return done;
  }
}

/**
 * Sends a request.
 *
 * @returns the exchange when the head of its answer is there
 * @throws what undici throws, or the reason of `stop`
 */
export function startExchange(
  dispatcher: Dispatcher,
  request: Dispatcher.DispatchOptions,
  stop: CallStop,
): Promise<ApiExchange> {
  return new Promise((resolve, reject) => {
    dispatcher.dispatch(request, new ApiExchange(stop, { resolve, reject }));
  });
}
