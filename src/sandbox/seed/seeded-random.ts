/** Repeatable randomness: the same seed number always gives the same sequence. Never for secrets. */
export interface SeededRandom {
  /** A number in [0, 1). */
  fraction(): number;
  /** One item of a list that is not empty. */
  pick<Item>(items: readonly [Item, ...Item[]]): Item;
  /** `length` letters and digits. */
  alphanumeric(length: number): string;
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** Creates a generator (mulberry32) from a seed number. */
export function createSeededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;
  const fraction = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    fraction,
    pick: (items) => items[Math.floor(fraction() * items.length)] ?? items[0],
    alphanumeric(length) {
      // Bytes, not a text that grows: a hundred thousand keys would be millions of small strings.
      const codes = Buffer.allocUnsafe(length);
      for (let index = 0; index < length; index++) {
        codes[index] = alphabet.charCodeAt(Math.floor(fraction() * alphabet.length));
      }
      return codes.toString('latin1');
    },
  };
}
