import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import {
  failedBy,
  type AnswerHead,
  type Outcome,
  type SentRequest,
  type Transport,
} from '../calls/driver.ts';
import type { SentCredential } from '../calls/credentials.ts';
import { isFromEdge } from '../model/call-policy.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import { knowsCoding, unpack } from '../calls/content-coding.ts';
import type { AnswerLinks } from './answer-links.ts';
import type { Exchange } from './exchange.ts';
import type { LinkRewriter } from './link-rewriter.ts';
import { forwardedReplyHeaders, type HeaderList } from './proxy-headers.ts';

/** An answer of Klaviyo's in the proxy. */
export interface StreamedAnswer {
  readonly head: AnswerHead;
  readonly credential: SentCredential;
  /** The body, where nothing went to the caller yet. */
  readonly held: Buffer | undefined;
  /** Whether it came to its end. */
  readonly isWhole: boolean;
}

/** What {@link StreamTransport} sends with. */
export interface StreamTransportOptions {
  readonly dispatcher: Dispatcher;
  readonly apiUrl: string;
  readonly clock: Clock;
}

/** What goes with an answer on its way. */
export interface AnswerWatch {
  /** Rewrites addresses in it, unless that is turned off. */
  readonly links: AnswerLinks | undefined;
  /** Sees each chunk of an answer that is passed on. */
  readonly onChunk?: ((chunk: Buffer) => void) | undefined;
  /** Learns that the caller is slower to read than Klaviyo to send. */
  readonly onSlowCaller: () => void;
}

/** Streams answers to the caller of one exchange, except for those that may be followed by another. */
export class StreamTransport implements Transport<StreamedAnswer> {
  readonly #options: StreamTransportOptions;
  readonly #exchange: Exchange;
  readonly #watch: AnswerWatch;

  constructor(options: StreamTransportOptions, exchange: Exchange, watch: AnswerWatch) {
    this.#options = options;
    this.#exchange = exchange;
    this.#watch = watch;
  }

  send(
    { credential, path, method, headers, body }: SentRequest,
    holds: (head: AnswerHead) => boolean,
  ): Promise<Outcome<StreamedAnswer>> {
    const { dispatcher, apiUrl, clock } = this.#options;
    const exchange = this.#exchange;
    exchange.route = credential.route;
    return new Promise((onEnd) => {
      const attempt = new UpstreamCall({
        response: exchange.response,
        ownHeaders: exchange.ownHeaders,
        url: apiUrl + path,
        credential,
        clock,
        holds,
        watch: this.#watch,
        onEnd,
      });
      exchange.watch(attempt);
      dispatcher.dispatch({ origin: apiUrl, path, method, headers, body }, attempt);
    });
  }
}

/** What {@link UpstreamCall} is told by. */
export interface UpstreamCallOptions {
  readonly response: ServerResponse;
  /** Headers of Keyshift's own for the answer. */
  readonly ownHeaders: HeaderList;
  readonly url: string;
  readonly credential: SentCredential;
  readonly clock: Clock;
  /** Whether an answer is to be held back from the caller, by its head. */
  readonly holds: (head: AnswerHead) => boolean;
  readonly watch: AnswerWatch;
  readonly onEnd: (outcome: Outcome<StreamedAnswer>) => void;
}

/** An answer that is larger goes on to the caller after all. */
const heldAnswerBytes = 64 * 1024;

/** Asked for as it is, an answer rarely comes coded; a larger one goes on with its links as they are. */
const codedAnswerBytes = 1024 * 1024;

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
  #head: AnswerHead | undefined;
  #held: Buffer[] | undefined;
  #heldBytes = 0;
  #stalled: Timer | undefined;
  #rewriter: LinkRewriter | undefined;
  /** What has come of a body that has to be decoded before its links can be rewritten. */
  #coded: Buffer[] | undefined;
  #codedBytes = 0;

  constructor(options: UpstreamCallOptions) {
    this.#options = options;
    this.#sentAtMs = options.clock.now();
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
    const head = { status, headers, edge, tookMs: this.#tookMs() };
    this.#head = head;
    if (status >= 300 && this.#options.holds(head)) this.#held = [];
    else this.#pass(head);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#held) {
      this.#hold(controller, this.#held, chunk);
      return;
    }
    this.#options.watch.onChunk?.(chunk);
    if (this.#coded) this.#collect(controller, this.#coded, chunk);
    else this.#write(controller, chunk);
  }

  onResponseEnd(): void {
    const { response } = this.#options;
    const head = this.#head as AnswerHead;
    const held = this.#held && Buffer.concat(this.#held);
    if (this.#coded) {
      const { ownHeaders, watch } = this.#options;
      void passWhole(response, ownHeaders, head, Buffer.concat(this.#coded), watch.links).then(
        () => {
          this.#end(head, undefined);
        },
      );
      return;
    }
    if (!held) response.end(this.#rewriter?.end());
    this.#end(head, held);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#stalled?.cancel();
    const { response, onEnd, url } = this.#options;
    if (!this.#head || this.#held) {
      onEnd(failedBy(error, url, this.#tookMs()));
      return;
    }
    // Half an answer is out: only a broken connection tells the caller that it is not whole.
    response.destroy();
    this.#end(this.#head, undefined, 'network');
  }

  #end(head: AnswerHead, held: Buffer | undefined, brokeOff?: string): void {
    const { credential, onEnd } = this.#options;
    const answer = { head, credential, held, isWhole: brokeOff === undefined };
    onEnd({ kind: 'answered', head, answer, held, ...(brokeOff && { brokeOff }) });
  }

  #tookMs(): number {
    return this.#options.clock.now() - this.#sentAtMs;
  }

  #pass(head: AnswerHead): void {
    const { links } = this.#options.watch;
    this.#rewriter = links?.rewriter(head.status, head.headers);
    if (this.#rewriter && isCoded(head)) this.#coded = [];
    else this.#writeHead(head);
  }

  #writeHead(head: AnswerHead): void {
    const { response, ownHeaders, watch } = this.#options;
    response.writeHead(
      head.status,
      replyHeaders(head, ownHeaders, watch.links, this.#rewriter !== undefined),
    );
  }

  #write(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const { response } = this.#options;
    if (response.write(this.#rewriter?.write(chunk) ?? chunk) || this.#stalled) return;
    controller.pause();
    this.#options.watch.onSlowCaller();
    this.#stalled = this.#options.clock.timer(stalledMs, () => {
      this.abort(new Error('the caller does not read its answer'));
      response.destroy();
    });
    response.once('drain', () => {
      this.#stalled?.cancel();
      this.#stalled = undefined;
      controller.resume();
    });
  }

  #hold(controller: Dispatcher.DispatchController, held: Buffer[], chunk: Buffer): void {
    held.push(chunk);
    this.#heldBytes += chunk.length;
    if (this.#heldBytes <= heldAnswerBytes) return;
    this.#held = undefined;
    this.#pass(this.#head as AnswerHead);
    if (this.#coded) this.#collect(controller, this.#coded, Buffer.concat(held));
    else this.#write(controller, Buffer.concat(held));
  }

  #collect(controller: Dispatcher.DispatchController, coded: Buffer[], chunk: Buffer): void {
    coded.push(chunk);
    this.#codedBytes += chunk.length;
    if (this.#codedBytes <= codedAnswerBytes) return;
    this.#coded = undefined;
    this.#rewriter = undefined;
    this.#writeHead(this.#head as AnswerHead);
    this.#write(controller, Buffer.concat(coded));
  }
}

function isCoded({ headers }: AnswerHead): boolean {
  return (headers['content-encoding'] ?? 'identity') !== 'identity';
}

function replyHeaders(
  head: AnswerHead,
  ownHeaders: HeaderList,
  links: AnswerLinks | undefined,
  rewritten: boolean,
): HeaderList {
  const headers = links ? links.headers(head.headers, rewritten) : head.headers;
  return [...forwardedReplyHeaders(headers), ...ownHeaders];
}

/** Sends an answer that is there as a whole. */
async function passWhole(
  response: ServerResponse,
  ownHeaders: HeaderList,
  head: AnswerHead,
  body: Buffer,
  links: AnswerLinks | undefined,
): Promise<void> {
  let rewriter = links?.rewriter(head.status, head.headers);
  let bytes = body;
  if (rewriter && isCoded(head)) {
    // What cannot be decoded goes on as it came.
    const decoded = await decode(body, head.headers['content-encoding'] ?? '');
    if (decoded) bytes = decoded;
    else rewriter = undefined;
  }
  response.writeHead(head.status, replyHeaders(head, ownHeaders, links, rewriter !== undefined));
  if (rewriter) response.write(rewriter.write(bytes));
  response.end(rewriter ? rewriter.end() : bytes);
}

async function decode(body: Buffer, coding: string): Promise<Buffer | undefined> {
  if (!knowsCoding(coding)) return undefined;
  return unpack(body, coding).catch(() => undefined);
}

/** Sends an answer that was held back after all. */
export function passOn(
  { response, ownHeaders }: Exchange,
  head: AnswerHead,
  body: Buffer,
  links: AnswerLinks | undefined,
): Promise<void> {
  return passWhole(response, ownHeaders, head, body, links);
}
