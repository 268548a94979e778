/** An HTTP date begins with the name of its day (RFC 9110 section 5.6.7). */
const httpDate = /^(mon|tue|wed|thu|fri|sat|sun)[a-z]*,? /i;

/**
 * Reads a `Retry-After` header: seconds, or an HTTP date (RFC 9110 section 10.2.3).
 *
 * @returns whole seconds from `nowMs`, at least 0; `undefined` when absent or unreadable
 */
export function parseRetryAfterSec(value: string | undefined, nowMs: number): number | undefined {
  const trimmed = value?.trim() ?? '';
  if (/^\d+(\.\d+)?$/.test(trimmed)) return Math.ceil(Number(trimmed));
  if (!httpDate.test(trimmed)) return undefined;
  const dateMs = Date.parse(trimmed);
  return Number.isNaN(dateMs) ? undefined : Math.max(0, Math.ceil((dateMs - nowMs) / 1000));
}
