/** Counts calls so that no stretch of time of one length holds more than a limit. */
export interface SlidingCount {
  /** Calls in sight at a time. */
  total(nowMs: number): number;
  /**
   * Milliseconds until another call fits; 0 when it does now.
   *
   * @param most in place of the limit, where that is higher
   */
  waitMs(nowMs: number, most?: number): number;
  add(nowMs: number): void;
  /** Takes the newest call back. */
  remove(): void;
}

/** Slices of the length: a call is forgotten at most one slice late. */
export const slices = 32;

// One more than the length has: the slice of now is not over, so neither is the oldest one.
const size = slices + 1;

/**
 * Creates a counter of a fixed size, whatever the limit: it remembers how many calls fell into
 * each slice of time, not when each of them was.
 *
 * @param lengthMs length of the stretch that may hold `limit` calls
 */
export function createSlidingCount(limit: number, lengthMs: number): SlidingCount {
  return new SlicedCount(limit, lengthMs / slices);
}

/** A class, because every call to Klaviyo asks several of these. */
class SlicedCount implements SlidingCount {
  readonly #limit: number;
  readonly #sliceMs: number;
  readonly #counts: number[] = new Array<number>(size).fill(0);
  #newest = 0;
  /** The stretch of the newest slice, within which there is nothing to forget. */
  #fromMs = 0;
  #untilMs = 0;
  #total = 0;

  constructor(limit: number, sliceMs: number) {
    this.#limit = limit;
    this.#sliceMs = sliceMs;
  }

  total(nowMs: number): number {
    if (nowMs < this.#fromMs || nowMs >= this.#untilMs) this.#roll(nowMs);
    return this.#total;
  }

  waitMs(nowMs: number, most = this.#limit): number {
    if (this.total(nowMs) < most) return 0;
    let left = this.#total;
    let slice = this.#newest - slices;
    for (; slice < this.#newest; slice += 1) {
      left -= this.#counts[((slice % size) + size) % size] ?? 0;
      if (left < most) break;
    }
    return (slice + size) * this.#sliceMs - nowMs;
  }

  add(nowMs: number): void {
    if (nowMs < this.#fromMs || nowMs >= this.#untilMs) this.#roll(nowMs);
    const slot = this.#newest % size;
    this.#counts[slot] = (this.#counts[slot] ?? 0) + 1;
    this.#total += 1;
  }

  remove(): void {
    for (let slice = this.#newest; slice > this.#newest - size; slice -= 1) {
      const slot = ((slice % size) + size) % size;
      const count = this.#counts[slot] ?? 0;
      if (count === 0) continue;
      this.#counts[slot] = count - 1;
      this.#total -= 1;
      return;
    }
  }

  /** Forgets the slices that are out of sight at `nowMs`. */
  #roll(nowMs: number): void {
    const current = Math.floor(nowMs / this.#sliceMs);
    // A clock that was set back must not leave the counter waiting for the old time.
    if (Math.abs(current - this.#newest) >= size) {
      this.#counts.fill(0);
      this.#total = 0;
      this.#newest = current;
    }
    for (; this.#newest < current; this.#newest += 1) {
      const slot = (this.#newest + 1) % size;
      this.#total -= this.#counts[slot] ?? 0;
      this.#counts[slot] = 0;
    }
    this.#fromMs = this.#newest * this.#sliceMs;
    this.#untilMs = this.#fromMs + this.#sliceMs;
  }
}
