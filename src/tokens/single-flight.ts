/** Work that callers share: whoever asks for it while it runs gets its result. */
export interface SingleFlight {
  /** Runs the work of `id`, or joins it. */
  share<Result>(id: string, start: () => Promise<Result>): Promise<Result>;
  has(id: string): boolean;
  /** Resolves when nothing runs any more. */
  drain(): Promise<void>;
}

/** Creates the sharing of one process. */
export function createSingleFlight(): SingleFlight {
  const inFlight = new Map<string, Promise<unknown>>();
  return {
    share<Result>(id: string, start: () => Promise<Result>): Promise<Result> {
      const running = inFlight.get(id) as Promise<Result> | undefined;
      if (running) return running;
      const started = start().finally(() => inFlight.delete(id));
      inFlight.set(id, started);
      return started;
    },
    has: (id) => inFlight.has(id),
    async drain() {
      while (inFlight.size > 0) await Promise.allSettled(inFlight.values());
    },
  };
}
