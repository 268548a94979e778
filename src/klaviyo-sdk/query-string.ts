/**
 * Writes query parameters as axios does, since the SDK counts on it: lists as `name[]=a&name[]=b`,
 * objects as `name[key]=value`, dates in ISO 8601, `undefined` and `null` left out.
 *
 * @returns without a question mark; empty when there is nothing to say
 */
export function toQueryString(params: unknown): string {
  if (params instanceof URLSearchParams) return params.toString();
  if (typeof params !== 'object' || params === null) return '';
  const pairs: string[] = [];
  for (const [key, value] of Object.entries(params)) {
    const list = Array.isArray(value) && !value.some(isContainer);
    const items: readonly unknown[] = list ? (value as unknown[]) : [value];
    for (const item of items) append(list ? `${key}[]` : key, item, pairs);
  }
  return pairs.join('&');
}

function append(name: string, value: unknown, pairs: string[]): void {
  if (value === undefined || value === null) return;
  if (isContainer(value)) {
    for (const [key, item] of Object.entries(value)) append(`${name}[${key}]`, item, pairs);
    return;
  }
  pairs.push(`${encode(name)}=${encode(toText(value))}`);
}

function toText(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function isContainer(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Klaviyo's filters are easier to read in a log with their own punctuation. */
function encode(text: string): string {
  return encodeURIComponent(text)
    .replaceAll('%3A', ':')
    .replaceAll('%24', '$')
    .replaceAll('%2C', ',')
    .replaceAll('%20', '+');
}
