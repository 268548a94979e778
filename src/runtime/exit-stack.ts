/** What must be closed, in the order in which it was opened. */
export interface ExitStack extends AsyncDisposable {
  /** Adds what closes a resource that was just opened. */
  defer(close: () => unknown): void;
  /**
   * Closes everything, the last first, and waits for each. One that fails keeps none of the others
   * open. A second call waits for the first.
   *
   * @throws what failed; an `AggregateError` where several did
   */
  close(): Promise<void>;
}

/**
 * Creates an empty stack. Node.js 22 has no `AsyncDisposableStack`.
 *
 * @example
 * ```ts
 * const exit = createExitStack();
 * const store = await openStore(options);
 * exit.defer(() => store.close());
 * await exit.close();
 * ```
 */
export function createExitStack(): ExitStack {
  const closers: (() => unknown)[] = [];
  let closing: Promise<void> | undefined;

  async function closeAll(): Promise<void> {
    const failures: unknown[] = [];
    for (let close = closers.pop(); close !== undefined; close = closers.pop()) {
      try {
        await close();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length === 1) throw failures[0];
    if (failures.length > 1) throw new AggregateError(failures, 'Several parts failed to close.');
  }

  const close = () => (closing ??= closeAll());
  return {
    defer: (closer) => void closers.push(closer),
    close,
    [Symbol.asyncDispose]: close,
  };
}
