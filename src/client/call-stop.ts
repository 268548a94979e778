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

type Listener = () => void;

const none: readonly Listener[] = [];

/**
 * Ends a call when its time is over or its caller gives up. undici listens to it as to an abort
 * signal; a real one costs a quarter of a whole call, and is made only where somebody waits.
 */
export class CallStop {
  /** Not called `aborted`: by that name undici tells a real signal. */
  stopped = false;
  reason: Error | undefined;
  #controller: AbortController | undefined;
  /** Almost always there is one. */
  #listener: Listener | undefined;
  #more: readonly Listener[] = none;
  readonly #limits: Limits;
  readonly #timer: NodeJS.Timeout;
  readonly #onCallerAbort: Listener | undefined;

  /** @throws the reason of `signal` when it is aborted already */
  constructor(limits: Limits) {
    const { leftMs, signal } = limits;
    signal?.throwIfAborted();
    this.#limits = limits;
    if (signal) {
      this.#onCallerAbort = () => {
        this.#abort(signal.reason as Error);
      };
      signal.addEventListener('abort', this.#onCallerAbort, { once: true });
    }
    this.#timer = startTimer(leftMs, () => {
      this.#abort(limits.onTimeout());
    });
  }

  /** For whoever takes an abort signal only. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.stopped) this.#controller.abort(this.reason);
    return this.#controller.signal;
  }

  addEventListener(_type: 'abort', listener: Listener): void {
    if (this.#listener) this.#more = [...this.#more, listener];
    else this.#listener = listener;
  }

  removeEventListener(_type: 'abort', listener: Listener): void {
    if (this.#listener === listener) this.#listener = undefined;
    else this.#more = this.#more.filter((each) => each !== listener);
  }

  /** Rejects with the reason when the stop comes before `work` is done, which goes on. */
  race<Result>(work: Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      const onStop = () => {
        if (this.reason) reject(this.reason);
      };
      this.addEventListener('abort', onStop);
      void work.then(resolve, reject).finally(() => {
        this.removeEventListener('abort', onStop);
      });
    });
  }

  throwIfAborted(): void {
    if (this.stopped) throw this.reason as Error;
  }

  /** Leaves nothing behind: no timer, no listener. */
  end(): void {
    clearTimeout(this.#timer);
    if (this.#onCallerAbort) {
      this.#limits.signal?.removeEventListener('abort', this.#onCallerAbort);
    }
  }

  #abort(reason: Error): void {
    if (this.stopped) return;
    this.stopped = true;
    this.reason = reason;
    this.#controller?.abort(reason);
    this.#listener?.();
    for (const listener of this.#more) listener();
  }
}

/** A timer that also takes times that are over, or longer than Node's timers hold. */
export function startTimer(leftMs: number, onTimeout: () => void): NodeJS.Timeout {
  return setTimeout(onTimeout, Math.min(Math.max(1, leftMs), longestTimerMs));
}
