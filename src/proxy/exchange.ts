import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RoutedCall } from '../model/route-policy.ts';
import type { Operation } from '../klaviyo/operations.ts';
import type { ProxyTarget } from './proxy-caller.ts';
import type { RequestBody } from './request-body.ts';
import type { UpstreamCall } from './upstream-call.ts';

/** What is known of a call when it is about to be sent. */
export interface ExchangeCall extends RoutedCall {
  readonly body: RequestBody;
  readonly operation: Operation | undefined;
  readonly target: ProxyTarget;
  readonly arrivedAtMs: number;
}

/** One request of a caller with its answer: knows when the caller goes away. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly id: string;
  /** The route of the last attempt; undefined before the first. */
  route: 'key' | 'oauth' | undefined;
  #gone = false;
  #onTheWire: UpstreamCall | undefined;
  #controller: AbortController | undefined;

  constructor(request: IncomingMessage, response: ServerResponse, id: string) {
    this.request = request;
    this.response = response;
    this.id = id;
    response.once('close', this.#onClose);
  }

  /** Whether the caller disconnected before its answer was whole. */
  isGone(): boolean {
    return this.#gone;
  }

  /** Ends waits when the caller goes away. Made only where somebody waits: it is dear. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#gone) this.#controller.abort(callerGone());
    return this.#controller.signal;
  }

  /** Has the attempt ended when the caller goes away. */
  watch(attempt: UpstreamCall | undefined): void {
    this.#onTheWire = attempt;
    if (this.#gone) attempt?.abort(callerGone());
  }

  readonly #onClose = () => {
    if (this.response.writableFinished) return;
    this.#gone = true;
    this.#onTheWire?.abort(callerGone());
    this.#controller?.abort(callerGone());
  };
}

function callerGone(): Error {
  return new Error('the caller disconnected');
}
