import { isKeyshiftError, KeyshiftError } from '../errors/keyshift-error.ts';
import type { Clock } from '../runtime/clock.ts';
import { resultWithin } from '../runtime/result-within.ts';

/** What was read a moment ago, so that a busy caller does not ask the database for every call. */
export interface RecentReads<Value> {
  /** The value itself while it is recent, else a promise of it; readers of one name share it. */
  get(name: string, read: () => Promise<Value>): Value | Promise<Value>;
  /** Whether it was read at all, however long ago. */
  has(name: string): boolean;
}

/** How {@link createRecentReads} forgets. */
export interface RecentReadsOptions {
  readonly clock: Clock;
  /** Values older than this are read again. */
  readonly maxAgeMs: number;
  /** Names the state of what is read: while it stays the same, nothing has to be read again. */
  readonly version?: () => string | undefined;
  /** Names kept; the one that was read longest ago leaves first. */
  readonly capacity: number;
}

/** Half of the second that a switch may take, less what reading takes. */
export const routeAgeMs = 400;

/** After so long every process has read what was written. */
export const settledMs = 500;

/** For so long calls go on by what was read last while the database cannot be used. */
const longestOutageMs = 300_000;

/** How long whoever was served before waits for a database that is slow or hangs. */
const knownPatienceMs = 250;

/** How long whoever has never been served waits for it. */
const newPatienceMs = 3_000;

interface Entry<Value> {
  readonly value: Value;
  /** When the read began: what was written later may be missing from it. */
  readAtMs: number;
  /** Of what was read from, before it was. */
  readonly version: string | undefined;
}

/**
 * Creates the memory of recent reads. While the database is away, hangs or is slow, what was read
 * last is served for five minutes and read again behind; only the call that finds out waits, and
 * for a moment. Whoever was never served is refused after three seconds.
 */
export function createRecentReads<Value>(options: RecentReadsOptions): RecentReads<Value> {
  const { clock, maxAgeMs, capacity } = options;
  const readVersion = options.version ?? (() => undefined);
  const entries = new Map<string, Entry<Value>>();
  const reading = new Map<string, Promise<Value>>();
  let out = false;

  async function refresh(
    name: string,
    read: () => Promise<Value>,
    stale: Entry<Value> | undefined,
  ): Promise<Value> {
    const readAtMs = clock.now();
    const version = readVersion();
    try {
      const value = await read();
      out = false;
      entries.delete(name);
      entries.set(name, { value, readAtMs, version });
      if (entries.size > capacity) entries.delete(entries.keys().next().value ?? '');
      return value;
    } catch (error) {
      if (!isKeyshiftError(error, 'database_unavailable')) throw error;
      out = true;
      if (!stale || clock.now() - stale.readAtMs > longestOutageMs) throw error;
      return stale.value;
    } finally {
      reading.delete(name);
    }
  }

  /** What was read before, where reading it again takes long. */
  async function orStale(running: Promise<Value>, entry: Entry<Value>): Promise<Value> {
    const read = await resultWithin(running, knownPatienceMs, clock);
    if (read) return read.value;
    out = true;
    return entry.value;
  }

  async function orRefuse(running: Promise<Value>): Promise<Value> {
    const read = await resultWithin(running, newPatienceMs, clock);
    if (read) return read.value;
    out = true;
    throw new KeyshiftError(
      'database_unavailable',
      `The database did not answer within ${newPatienceMs / 1_000} seconds.`,
    );
  }

  return {
    has: (name) => entries.has(name),
    get(name, read) {
      const entry = entries.get(name);
      const nowMs = clock.now();
      if (entry) {
        if (nowMs - entry.readAtMs < maxAgeMs) return entry.value;
        if (entry.version !== undefined && entry.version === readVersion()) {
          entry.readAtMs = nowMs;
          return entry.value;
        }
      }
      let running = reading.get(name);
      if (!running) {
        running = refresh(name, read, entry);
        reading.set(name, running);
      }
      if (!entry || nowMs - entry.readAtMs > longestOutageMs) return orRefuse(running);
      if (!out) return orStale(running, entry);
      running.catch(() => undefined); // Read behind the caller's back; the next one asks again.
      return entry.value;
    },
  };
}
