import type { IncomingMessage } from 'node:http';
import type { WriteBehind } from '../calls/write-behind.ts';
import type { Clock } from '../runtime/clock.ts';
import type { ReadOrigin, RequestOrigin } from '../runtime/request-origin.ts';
import { scrub } from '../runtime/scrub.ts';
import type { KeySighting } from '../store/observations.ts';
import type { Store } from '../store/store.ts';

/** Remembers who still presents the private key of a connection that is on OAuth. */
export interface StrayKeys {
  see(connectionId: string, request: IncomingMessage, operationId: string | undefined): void;
}

/** What {@link createStrayKeys} works with. */
export interface StrayKeysOptions {
  readonly store: Store;
  readonly writeBehind: WriteBehind;
  readonly readOrigin: ReadOrigin;
  readonly clock: Clock;
}

/** Between two writes; whoever comes after is counted without its name. */
const capacity = 2_000;
const longestAgent = 120;

type Counter = { -readonly [Field in keyof KeySighting]: KeySighting[Field] };

/** Creates the memory; it writes through `writeBehind`. */
export function createStrayKeys({
  store,
  writeBehind,
  readOrigin,
  clock,
}: StrayKeysOptions): StrayKeys {
  let seen = new Map<string, Counter>();

  writeBehind.add('key sightings', async () => {
    if (seen.size === 0) return;
    const writing = seen;
    seen = new Map();
    try {
      await store.keySightings.add([...writing.values()]);
    } catch (error) {
      for (const [name, counter] of writing) merge(name, counter);
      throw error;
    }
  });

  function merge(name: string, earlier: Counter): void {
    const newer = seen.get(name);
    if (!newer) {
      seen.set(name, earlier);
      return;
    }
    newer.calls += earlier.calls;
    newer.firstSeenAtMs = earlier.firstSeenAtMs;
  }

  return {
    see(connectionId, request, operationId = 'unknown') {
      const full = seen.size >= capacity;
      const source = full ? 'others' : sourceOf(readOrigin(request));
      const agent = full ? '' : (request.headers['user-agent'] ?? '').slice(0, longestAgent);
      const name = `${connectionId}\n${operationId}\n${source}\n${agent}`;
      const nowMs = clock.now();
      let counter = seen.get(name);
      if (!counter) {
        counter = {
          ...{ connectionId, source, userAgent: scrub(agent), operation: operationId },
          ...{ calls: 0, firstSeenAtMs: nowMs, lastSeenAtMs: nowMs },
        };
        seen.set(name, counter);
        writeBehind.touch();
      }
      counter.calls += 1;
      counter.lastSeenAtMs = nowMs;
    },
  };
}

/** The address of the caller, and the proxy that brought it. */
function sourceOf({ address, via }: RequestOrigin): string {
  return via === undefined ? address : `${address} via ${via}`;
}
