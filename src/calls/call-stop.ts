/** Longer timers fire at once. */
const longestTimerMs = 2 ** 31 - 1;

/** How long something may take, and who may end it earlier. */
export interface Limits {
  /** Milliseconds from now. */
  readonly leftMs: number;
  /** The reason when the time is over. */
  readonly onTimeout: () => Error;
  readonly signal: AbortSignal | undefined;
}

/** What a stop ends. */
export interface Stoppable {
  abort(reason: Error): void;
}

const none: readonly Stoppable[] = [];

/**
 * Ends a call when its time is over or its caller gives up. A real abort signal costs a quarter of
 * a whole call, and is made only where somebody waits for one.
 */
export class CallStop {
  /** Absent while the call may go on. */
  reason: Error | undefined;
  #controller: AbortController | undefined;
  /** Almost always there is one. */
  #first: Stoppable | undefined;
  #more: readonly Stoppable[] = none;
  readonly #limits: Limits;
  readonly #timer: NodeJS.Timeout;
  readonly #onCallerAbort: (() => void) | undefined;

  /** @throws the reason of the limits' signal when it is aborted already */
  constructor(limits: Limits) {
    const { signal } = limits;
    signal?.throwIfAborted();
    this.#limits = limits;
    if (signal) {
      this.#onCallerAbort = () => {
        this.#abort(signal.reason as Error);
      };
      signal.addEventListener('abort', this.#onCallerAbort, { once: true });
    }
    this.#timer = startTimer(limits.leftMs, () => {
      this.#abort(limits.onTimeout());
    });
  }

  /** For whoever takes an abort signal only. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.reason) this.#controller.abort(this.reason);
    return this.#controller.signal;
  }

  /** Ends `work` too when the stop comes. */
  attach(work: Stoppable): void {
    if (this.#first) this.#more = [...this.#more, work];
    else this.#first = work;
  }

  detach(work: Stoppable): void {
    if (this.#first === work) this.#first = undefined;
    else if (this.#more !== none) this.#more = this.#more.filter((each) => each !== work);
  }

  /** Rejects with the reason when the stop comes before `work` is done, which goes on. */
  race<Result>(work: Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      const waiter = { abort: reject };
      this.attach(waiter);
      void work.then(resolve, reject).finally(() => {
        this.detach(waiter);
      });
    });
  }

  throwIfAborted(): void {
    if (this.reason) throw this.reason;
  }

  /** Leaves nothing behind: no timer, no listener. */
  end(): void {
    clearTimeout(this.#timer);
    if (this.#onCallerAbort) {
      this.#limits.signal?.removeEventListener('abort', this.#onCallerAbort);
    }
  }

  #abort(reason: Error): void {
    if (this.reason) return;
    this.reason = reason;
    this.#controller?.abort(reason);
    for (const work of [this.#first, ...this.#more]) work?.abort(reason);
  }
}

/** A timer that also takes times that are over, or longer than Node's timers hold. */
export function startTimer(leftMs: number, onTimeout: () => void): NodeJS.Timeout {
  return setTimeout(onTimeout, Math.min(Math.max(1, leftMs), longestTimerMs));
}
