import { EventEmitter } from 'node:events';

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

/**
 * Ends a call when its time is over or its caller gives up. undici listens to it as to an abort
 * signal; a real one costs a quarter of a whole call, and is made only where somebody waits.
 */
export class CallStop extends EventEmitter {
  /** Not called `aborted`: by that name undici tells a real signal. */
  stopped = false;
  reason: Error | undefined;
  #controller: AbortController | undefined;
  readonly #timer: NodeJS.Timeout;
  readonly #callerSignal: AbortSignal | undefined;

  /** @throws the reason of `signal` when it is aborted already */
  constructor({ leftMs, onTimeout, signal }: Limits) {
    super();
    signal?.throwIfAborted();
    this.#callerSignal = signal;
    signal?.addEventListener('abort', this.#onCallerAbort, { once: true });
    this.#timer = startTimer(leftMs, () => {
      this.#abort(onTimeout());
    });
  }

  /** For whoever takes an abort signal only. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.stopped) this.#controller.abort(this.reason);
    return this.#controller.signal;
  }

  /** Rejects with the reason when the stop comes before `work` is done, which goes on. */
  race<Result>(work: Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.once('abort', reject);
      void work.then(resolve, reject).finally(() => this.removeListener('abort', reject));
    });
  }

  throwIfAborted(): void {
    if (this.stopped) throw this.reason as Error;
  }

  /** Leaves nothing behind: no timer, no listener. */
  end(): void {
    clearTimeout(this.#timer);
    this.#callerSignal?.removeEventListener('abort', this.#onCallerAbort);
  }

  readonly #onCallerAbort = () => {
    this.#abort(this.#callerSignal?.reason as Error);
  };

  #abort(reason: Error): void {
    if (this.stopped) return;
    this.stopped = true;
    this.reason = reason;
    this.#controller?.abort(reason);
    this.emit('abort', reason);
  }
}

/** A timer that also takes times that are over, or longer than Node's timers hold. */
export function startTimer(leftMs: number, onTimeout: () => void): NodeJS.Timeout {
  return setTimeout(onTimeout, Math.min(Math.max(1, leftMs), longestTimerMs));
}
