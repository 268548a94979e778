import type { Clock } from './clock.ts';

/**
 * Waits for work until a signal ends the wait; the work itself goes on.
 *
 * @throws what the work rejects with, or the reason of the signal
 */
export function abortable<Result>(
  work: Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      reject(signal.reason as Error);
    };
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    void work.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', onAbort);
    });
  });
}

/** Does work with a signal that ends it after `deadlineMs`; its reason is a `TimeoutError`. */
export async function withDeadline<Result>(
  clock: Clock,
  deadlineMs: number,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const stop = new AbortController();
  const timer = clock.timer(deadlineMs, () => {
    stop.abort(new DOMException(`not done within ${deadlineMs} ms`, 'TimeoutError'));
  });
  try {
    return await work(stop.signal);
  } finally {
    timer.cancel();
  }
}
