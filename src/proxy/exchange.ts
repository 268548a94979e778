import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Waiter } from '../calls/driver.ts';
import type { HeaderList } from './proxy-headers.ts';

/** An attempt that is under way. */
interface OnTheWire {
  abort(reason: Error): void;
}

/** One request of a caller with its answer: knows when the caller goes away. */
export class Exchange implements Waiter {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly id: string;
  /** The route of the last attempt; undefined before the first. */
  route: 'key' | 'oauth' | undefined;
  #gone = false;
  #onTheWire: OnTheWire | undefined;
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

  throwIfGone(): void {
    if (this.#gone) throw callerGone();
  }

  /** A caller that goes away is noticed when the work is done. */
  within<Result>(work: Promise<Result>): Promise<Result> {
    return work;
  }

  /** Keyshift's own headers for the answer. */
  get ownHeaders(): HeaderList {
    const own = ['keyshift-request-id', this.id];
    return this.route === undefined ? own : [...own, 'keyshift-route', this.route];
  }

  /** Has the attempt ended when the caller goes away. */
  watch(attempt: OnTheWire): void {
    this.#onTheWire = attempt;
    if (this.#gone) attempt.abort(callerGone());
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
