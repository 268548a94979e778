import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import { isFromEdge } from '../calls/attempt.ts';
import { forwardedReplyHeaders, type HeaderList } from './proxy-headers.ts';
import type { RequestBody } from './request-body.ts';

/** One attempt of a call as it goes out. */
export interface UpstreamRequest {
  readonly origin: string;
  readonly path: string;
  readonly method: string;
  readonly headers: HeaderList;
  readonly body: RequestBody;
}

/** The head of an answer. */
export interface ReplyHead {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Whether the edge answered in Klaviyo's place. */
  readonly edge: boolean;
  /** Milliseconds from sending to the head. */
  readonly tookMs: number;
}

/** What came of an attempt. */
export type UpstreamOutcome =
  /** The answer went to the caller. */
  | { readonly kind: 'passed'; readonly head: ReplyHead }
  /** The answer is here, whole, and nothing went to the caller. */
  | { readonly kind: 'held'; readonly head: ReplyHead; readonly body: Buffer }
  /** No answer came, or it broke off after its head had gone to the caller. */
  | { readonly kind: 'failed'; readonly error: Error; readonly head: ReplyHead | undefined };

/** What {@link UpstreamCall} is told by. */
export interface UpstreamCallOptions {
  readonly response: ServerResponse;
  /** Headers of Keyshift's own for the answer. */
  readonly ownHeaders: HeaderList;
  readonly now: () => number;
  /** Whether an answer is to be held back from the caller, by its head. */
  readonly holds: (head: ReplyHead) => boolean;
  /** Sees each chunk of an answer that is passed on. */
  readonly onChunk?: ((chunk: Buffer) => void) | undefined;
  readonly onEnd: (outcome: UpstreamOutcome) => void;
}

/** An answer that is larger goes on to the caller after all. */
const heldAnswerBytes = 64 * 1024;

/** For so long a caller may leave its answer unread: a connection to Klaviyo waits for it. */
const stalledMs = 60_000;

/**
 * Passes one answer from Klaviyo's connection into the caller's, with back-pressure, or holds it
 * back. Made for the hot path: one object and no stream of its own a call.
 */
export class UpstreamCall implements Dispatcher.DispatchHandler {
  readonly #options: UpstreamCallOptions;
  readonly #sentAtMs: number;
  #controller: Dispatcher.DispatchController | undefined;
  #abortReason: Error | undefined;
  #head: ReplyHead | undefined;
  #held: Buffer[] | undefined;
  #heldBytes = 0;
  #stalled: NodeJS.Timeout | undefined;

  constructor(options: UpstreamCallOptions) {
    this.#options = options;
    this.#sentAtMs = options.now();
  }

  /** Ends the call; its connection goes with it. */
  abort(reason: Error): void {
    this.#abortReason = reason;
    this.#controller?.abort(reason);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#abortReason) controller.abort(this.#abortReason);
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    if (status < 200) return; // An early hint: not the answer yet.
    const edge =
      status >= 300 &&
      isFromEdge(status, headers['content-type'], headers['cf-mitigated'] !== undefined);
    const head = { status, headers, edge, tookMs: this.#options.now() - this.#sentAtMs };
    this.#head = head;
    if (status >= 300 && this.#options.holds(head)) this.#held = [];
    else this.#pass(head);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#held) {
      this.#hold(controller, this.#held, chunk);
      return;
    }
    this.#options.onChunk?.(chunk);
    this.#write(controller, chunk);
  }

  onResponseEnd(): void {
    const { response, onEnd } = this.#options;
    const head = this.#head as ReplyHead;
    if (this.#held) {
      onEnd({ kind: 'held', head, body: Buffer.concat(this.#held) });
      return;
    }
    response.end();
    onEnd({ kind: 'passed', head });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#unstall();
    this.#options.onEnd({ kind: 'failed', error, head: this.#held ? undefined : this.#head });
  }

  #pass(head: ReplyHead): void {
    const headers = forwardedReplyHeaders(head.headers);
    headers.push(...this.#options.ownHeaders);
    this.#options.response.writeHead(head.status, headers);
  }

  #write(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const { response } = this.#options;
    if (response.write(chunk) || this.#stalled) return;
    controller.pause();
    this.#stalled = setTimeout(() => {
      this.abort(new Error('the caller does not read its answer'));
      response.destroy();
    }, stalledMs);
    response.once('drain', () => {
      this.#unstall();
      controller.resume();
    });
  }

  #unstall(): void {
    clearTimeout(this.#stalled);
    this.#stalled = undefined;
  }

  #hold(controller: Dispatcher.DispatchController, held: Buffer[], chunk: Buffer): void {
    held.push(chunk);
    this.#heldBytes += chunk.length;
    if (this.#heldBytes <= heldAnswerBytes) return;
    this.#held = undefined;
    this.#pass(this.#head as ReplyHead);
    this.#write(controller, Buffer.concat(held));
  }
}

/** Sends an answer that was held back after all. */
export function passOn(
  response: ServerResponse,
  head: ReplyHead,
  body: Buffer,
  ownHeaders: HeaderList,
): void {
  response.writeHead(head.status, [...forwardedReplyHeaders(head.headers), ...ownHeaders]);
  response.end(body);
}
