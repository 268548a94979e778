/** Counts calls so that no stretch of time of one length holds more than a limit. */
export interface SlidingCount {
  /** Milliseconds until another call fits; 0 when it does now. */
  waitMs(nowMs: number): number;
  add(nowMs: number): void;
}

/** Slices of the length: a call is forgotten at most one slice late. */
export const slices = 32;

/**
 * Creates a counter of a fixed size, whatever the limit: it remembers how many calls fell into
 * each slice of time, not when each of them was.
 *
 * @param lengthMs length of the stretch that may hold `limit` calls
 */
export function createSlidingCount(limit: number, lengthMs: number): SlidingCount {
  const sliceMs = lengthMs / slices;
  // One more than the length has: the slice of now is not over, so neither is the oldest one.
  const size = slices + 1;
  const counts = new Uint32Array(size);
  let newest = 0;
  let total = 0;

  /** Forgets the slices that are out of sight at `nowMs`. */
  function roll(nowMs: number): void {
    const current = Math.floor(nowMs / sliceMs);
    // A clock that was set back must not leave the counter waiting for the old time.
    if (current - newest >= size || newest - current >= size) {
      counts.fill(0);
      total = 0;
      newest = current;
    }
    for (; newest < current; newest += 1) {
      const slot = (newest + 1) % size;
      total -= counts[slot] ?? 0;
      counts[slot] = 0;
    }
  }

  return {
    waitMs(nowMs) {
      roll(nowMs);
      if (total < limit) return 0;
      let left = total;
      let slice = newest - slices;
      for (; slice < newest; slice += 1) {
        left -= counts[((slice % size) + size) % size] ?? 0;
        if (left < limit) break;
      }
      return (slice + size) * sliceMs - nowMs;
    },
    add(nowMs) {
      roll(nowMs);
      const slot = newest % size;
      counts[slot] = (counts[slot] ?? 0) + 1;
      total += 1;
    },
  };
}
