import type { WriteBehind } from '../calls/write-behind.ts';
import type { Clock } from '../runtime/clock.ts';
import type { ShadowResult } from '../store/observations.ts';
import type { Store } from '../store/store.ts';

/** Counts comparisons in memory. */
export interface ShadowResults {
  /** @param difference where the answers differed, or undefined */
  record(connectionId: string, operation: string, difference: string | undefined): void;
}

type Counter = { -readonly [Field in keyof ShadowResult]: ShadowResult[Field] };

/** Creates the counters; they are written through `writeBehind`. */
export function createShadowResults(options: {
  readonly store: Store;
  readonly writeBehind: WriteBehind;
  readonly clock: Clock;
}): ShadowResults {
  const { store, writeBehind, clock } = options;
  let results = new Map<string, Counter>();

  writeBehind.add('shadow results', async () => {
    if (results.size === 0) return;
    const writing = results;
    results = new Map();
    try {
      await store.shadow.add([...writing.values()]);
    } catch (error) {
      for (const counter of writing.values()) merge(counter);
      throw error;
    }
  });

  function merge(earlier: Counter): void {
    const name = `${earlier.connectionId} ${earlier.operation}`;
    const newer = results.get(name);
    results.set(name, {
      ...earlier,
      compared: earlier.compared + (newer?.compared ?? 0),
      different: earlier.different + (newer?.different ?? 0),
      lastComparedAtMs: newer?.lastComparedAtMs ?? earlier.lastComparedAtMs,
      lastDifferentAtMs: newer?.lastDifferentAtMs ?? earlier.lastDifferentAtMs,
      lastDifference: newer?.lastDifference ?? earlier.lastDifference,
    });
  }

  return {
    record(connectionId, operation, difference) {
      const nowMs = clock.now();
      const name = `${connectionId} ${operation}`;
      let counter = results.get(name);
      if (!counter) {
        counter = {
          ...{ connectionId, operation, compared: 0, different: 0, lastComparedAtMs: nowMs },
          ...{ lastDifferentAtMs: undefined, lastDifference: undefined },
        };
        results.set(name, counter);
        writeBehind.touch();
      }
      counter.compared += 1;
      counter.lastComparedAtMs = nowMs;
      if (difference === undefined) return;
      counter.different += 1;
      counter.lastDifferentAtMs = nowMs;
      counter.lastDifference = difference;
    },
  };
}
