/** What was taken on and has not happened yet. */
export interface PendingEffects {
  add(effect: () => void, dueMs: number): void;
  /** Runs what is due, in the order it was added. */
  run(nowMs: number): void;
  clear(): void;
}

export function createPendingEffects(): PendingEffects {
  let waiting: { readonly effect: () => void; readonly dueMs: number }[] = [];
  return {
    add(effect, dueMs) {
      waiting.push({ effect, dueMs });
    },
    run(nowMs) {
      if (waiting.length === 0) return;
      const due = waiting.filter(({ dueMs }) => dueMs <= nowMs);
      if (due.length === 0) return;
      waiting = waiting.filter(({ dueMs }) => dueMs > nowMs);
      for (const { effect } of due) effect();
    },
    clear() {
      waiting = [];
    },
  };
}
