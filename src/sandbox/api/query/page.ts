import type { JsonObject, JsonValue } from '../../state/json.ts';
import type { Stored } from '../../state/stored-resource.ts';
import type { ApiCall } from '../api-call.ts';
import { writeCursor, type Cursor } from './cursor.ts';
import { compare, matches } from './matches.ts';
import { calledAddress } from '../json-api.ts';
import { isPaged, namesPrevious } from './query-rules.ts';
import type { ApiQuery } from './read-query.ts';

/** One page of a list with the links to itself and its neighbours. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly links: JsonObject;
}

/** What a page is cut from. */
export interface PageSource<Item extends Stored> {
  /** In the order of their numbers. */
  readonly items: readonly Item[];
  /** The value of a field that filters and sorts compare. */
  valueOf(item: Item, field: string): JsonValue | undefined;
}

/** Filters, sorts and cuts. The natural order is that of arrival. */
export function cutPage<Item extends Stored>(
  call: ApiCall,
  query: ApiQuery,
  source: PageSource<Item>,
): Page<Item> {
  const { cursor, size, sort } = query;
  const key = sort?.key ?? '';
  const keyOf = (item: Item) => (sort ? (source.valueOf(item, key) ?? null) : null);
  const all = arrange(query, source);
  const [from, to] = bounds(all.length, size, cursor, (index) => {
    const item = all[index];
    return item && cursor ? position(item, keyOf(item), cursor, sort?.descending === true) : 0;
  });
  const items = all.slice(from, to);
  const linkAt = (item: Item | undefined, direction: Cursor['direction'], more: boolean) =>
    item && more
      ? cursorLink(call, writeCursor({ direction, key, value: keyOf(item), seq: item.seq }))
      : null;
  const self = calledAddress(call);
  if (!isPaged(call.operation)) return { items, links: { self } };
  return {
    items,
    links: {
      self,
      next: linkAt(items.at(-1), 'next', to < all.length),
      prev: linkAt(items[0], 'prev', from > 0 && namesPrevious(call.operation)),
    },
  };
}

function arrange<Item extends Stored>(
  { filter, sort }: ApiQuery,
  { items, valueOf }: PageSource<Item>,
): readonly Item[] {
  const kept =
    filter.length === 0
      ? items
      : items.filter((item) => filter.every((term) => matches(term, valueOf(item, term.field))));
  if (!sort) return kept;
  const sign = sort.descending ? -1 : 1;
  return kept
    .map((item) => ({ item, value: valueOf(item, sort.key) }))
    .sort((a, b) => sign * (compare(a.value, b.value) || a.item.seq - b.item.seq))
    .map(({ item }) => item);
}

/** Where the item stands against the cursor: negative before it, 0 at it, positive after it. */
function position(item: Stored, value: JsonValue, cursor: Cursor, descending: boolean): number {
  const order = compare(value, cursor.value) || item.seq - cursor.seq;
  return descending ? -order : order;
}

/** The first index of the page and the one after its last, by bisection. */
function bounds(
  length: number,
  size: number,
  cursor: Cursor | undefined,
  positionAt: (index: number) => number,
): [number, number] {
  if (!cursor) return [0, Math.min(size, length)];
  const after = cursor.direction === 'next';
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const past = after ? positionAt(middle) > 0 : positionAt(middle) >= 0;
    if (past) high = middle;
    else low = middle + 1;
  }
  return after ? [low, Math.min(low + size, length)] : [Math.max(0, low - size), low];
}

/** The address called, with the cursor last (recorded). */
function cursorLink(call: ApiCall, cursor: string): string {
  const others = call.search
    .slice(1)
    .split('&')
    .filter((part) => part !== '' && !/^page(\[|%5B)cursor(\]|%5D)=/i.test(part));
  const query = [...others, `page%5Bcursor%5D=${cursor}`].join('&');
  return `${call.context.origin}${call.path}?${query}`;
}
