import type { Clock } from './clock.ts';

/**
 * Waits for work for at most `ms`. The work goes on when nobody waits for it any more, and its
 * failure is dropped then.
 *
 * @returns the result, or `undefined` when it took too long
 * @throws what the work rejects with in time
 * @example
 * ```ts
 * const read = await resultWithin(store.grants.find(key), 250, clock);
 * const grant = read ? read.value : remembered;
 * ```
 */
export async function resultWithin<Value>(
  work: Promise<Value>,
  ms: number,
  clock: Clock,
): Promise<{ readonly value: Value } | undefined> {
  const tooLate = Promise.withResolvers<undefined>();
  const timer = clock.timer(ms, () => {
    tooLate.resolve(undefined);
  });
  try {
    return await Promise.race([work.then((value) => ({ value })), tooLate.promise]);
  } finally {
    timer.cancel();
  }
}
