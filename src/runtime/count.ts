/**
 * A number with its noun, in the singular or the plural.
 *
 * @example
 * ```ts
 * count(1, 'connection'); // "1 connection"
 * count(3, 'entry', 'entries'); // "3 entries"
 * ```
 */
export function count(number: number, noun: string, nouns = `${noun}s`): string {
  return `${number} ${number === 1 ? noun : nouns}`;
}
