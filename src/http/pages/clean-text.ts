/**
 * Makes text from outside (names, messages) safe to *read*: control characters and the characters
 * that turn the direction of writing are dropped, runs of blanks become one, and what is longer
 * than `maxLength` characters is cut. Escaping for HTML is the renderer's part.
 *
 * @example
 * ```ts
 * cleanText('Shop\u202Egpj.exe'); // "Shopgpj.exe"
 * ```
 */
export function cleanText(value: string, maxLength = 200): string {
  const readable = value
    .replace(/\s+/gu, ' ')
    .replace(/[\p{Cc}\p{Surrogate}\u202A-\u202E\u2066-\u2069\u{E0000}-\u{E007F}]/gu, '')
    .trim();
  const characters = Array.from(readable);
  return characters.length <= maxLength
    ? readable
    : `${characters.slice(0, maxLength - 1).join('')}…`;
}
