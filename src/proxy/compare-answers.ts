import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import { scrub } from '../runtime/scrub.ts';

/** An answer as far as it is compared. */
export interface ComparedAnswer {
  readonly status: number;
  readonly contentEncoding: string | undefined;
  readonly body: Buffer;
}

/**
 * Fields that differ between two reads of the same thing: times that move on, cursors of pages and
 * links that hold them, and the ids of error answers.
 */
const volatile: ReadonlySet<string> = new Set([
  'updated',
  'updated_at',
  'last_event_date',
  'links',
]);

const longestPlace = 200;
const largestBytes = 4 * 1024 * 1024;

/**
 * Where two answers differ, or undefined where they say the same: by status, then by the JSON of
 * the body without what is volatile. Names the place and never a value: it goes into a report.
 */
export function compareAnswers(byKey: ComparedAnswer, byOAuth: ComparedAnswer): string | undefined {
  if (byKey.status !== byOAuth.status) {
    return `status ${byKey.status} with the key, ${byOAuth.status} over OAuth`;
  }
  const [one, other] = [decode(byKey), decode(byOAuth)];
  if (one === undefined || other === undefined) return undefined; // Nothing that can be compared.
  const [first, second] = [parse(one), parse(other)];
  if (first !== undefined && second !== undefined) {
    const place = findDifference(first, second, '');
    return place === undefined ? undefined : `body at ${describePlace(place)}`;
  }
  return one.equals(other) ? undefined : 'body';
}

/** Names of fields come from the account too: they are cut, and hold nothing like a secret. */
function describePlace(place: string): string {
  return scrub(place || '/').slice(0, longestPlace);
}

function decode({ body, contentEncoding }: ComparedAnswer): Buffer | undefined {
  const limit = { maxOutputLength: largestBytes };
  try {
    switch (contentEncoding) {
      case undefined:
      case 'identity':
        return body;
      case 'gzip':
        return gunzipSync(body, limit);
      case 'br':
        return brotliDecompressSync(body, limit);
      case 'deflate':
        return inflateSync(body, limit);
      default:
        return undefined;
    }
  } catch {
    return undefined;
  }
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString()) as unknown;
  } catch {
    return undefined;
  }
}

function findDifference(one: unknown, other: unknown, place: string): string | undefined {
  if (Array.isArray(one) && Array.isArray(other)) {
    if (one.length !== other.length) return `${place}/length`;
    return firstOf(one.keys(), (at) => findDifference(one[at], other[at], `${place}/${at}`));
  }
  if (isRecord(one) && isRecord(other)) {
    const inError = /^\/errors\/\d+$/.test(place);
    const names = new Set([...Object.keys(one), ...Object.keys(other)]);
    return firstOf(names, (name) =>
      volatile.has(name) || (inError && name === 'id')
        ? undefined
        : findDifference(one[name], other[name], `${place}/${name}`),
    );
  }
  return Object.is(one, other) ? undefined : place;
}

function firstOf<Item>(
  items: Iterable<Item>,
  find: (item: Item) => string | undefined,
): string | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
