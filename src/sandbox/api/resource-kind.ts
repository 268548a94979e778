import type { ApiReply } from '../context/api-error.ts';
import type { JsonObject, JsonValue } from '../state/json.ts';
import type { Stored } from '../state/stored-resource.ts';
import type { ApiCall } from './api-call.ts';
import { dataReply, selfLink, type Resource } from './json-api.ts';
import { cutPage } from './query/page.ts';
import { readQuery, type ApiQuery, type QuerySupport } from './query/read-query.ts';
import { pick, valueAt } from './query/sparse.ts';

/** A field that answers show only when a caller asks for it. */
export type AdditionalField<Item> = (call: ApiCall, item: Item) => JsonValue;

/** Resources that an `include` of this name adds, already fit to be shown. */
export type Inclusion<Item> = (call: ApiCall, item: Item, query: ApiQuery) => readonly Resource[];

/** How resources of one type are shown, filtered and sorted. */
export interface ResourceKind<Item extends Stored> {
  /** JSON:API's type, such as `profile`. */
  readonly type: string;
  /** The collection in addresses, such as `profiles`. */
  readonly path: string;
  attributes(call: ApiCall, item: Item): JsonObject;
  readonly additional?: Readonly<Record<string, AdditionalField<Item>>>;
  /** @param self address of the resource, with a trailing slash */
  relationships?(call: ApiCall, item: Item, self: string): JsonObject;
  readonly includes?: Readonly<Record<string, Inclusion<Item>>>;
  /** What filters and sorts compare where it is not an attribute of the same name. */
  readonly values?: Readonly<Record<string, (call: ApiCall, item: Item) => JsonValue>>;
}

/** A resource as an answer shows it: with the fields the query asks for. */
export function present<Item extends Stored>(
  call: ApiCall,
  query: ApiQuery,
  kind: ResourceKind<Item>,
  item: Item,
): Resource {
  const fields = query.fields[kind.type];
  const asked = [...(query.additional[kind.type] ?? []), ...(fields ?? [])];
  const attributes: Record<string, JsonValue> = { ...kind.attributes(call, item) };
  for (const [name, read] of Object.entries(kind.additional ?? {})) {
    if (asked.some((field) => field.split('.', 1)[0] === name)) {
      attributes[name] = read(call, item);
    }
  }
  const self = selfLink(call, kind.path, item.id);
  const relationships = kind.relationships?.(call, item, self);
  return {
    type: kind.type,
    id: item.id,
    attributes: fields ? pick(attributes, asked) : attributes,
    ...(relationships ? { relationships } : {}),
    links: { self },
  };
}

/** Returns a list: filtered, sorted, cut, with what it includes. */
export function listReply<Item extends Stored>(
  call: ApiCall,
  kind: ResourceKind<Item>,
  items: readonly Item[] | ((query: ApiQuery) => readonly Item[]),
  support: QuerySupport = {},
): ApiReply {
  const read = readQuery(call, { include: Object.keys(kind.includes ?? {}), ...support });
  if ('refusal' in read) return read.refusal;
  const { query } = read;
  const { items: shown, links } = cutPage(call, query, {
    items: typeof items === 'function' ? items(query) : items,
    valueOf: (item, field) => fieldOf(call, kind, item, field),
  });
  const data = shown.map((item) => present(call, query, kind, item));
  return dataReply(200, data, { links, ...included(call, query, kind, shown) });
}

/** Returns one resource with what it includes. */
export function itemReply<Item extends Stored>(
  call: ApiCall,
  kind: ResourceKind<Item>,
  item: Item,
): ApiReply {
  const read = readQuery(call, { include: Object.keys(kind.includes ?? {}) });
  return 'refusal' in read ? read.refusal : presentReply(call, read.query, kind, item, 200);
}

/** The same where the query was read before the resource was written. */
export function presentReply<Item extends Stored>(
  call: ApiCall,
  query: ApiQuery,
  kind: ResourceKind<Item>,
  item: Item,
  status: number,
): ApiReply {
  const data = present(call, query, kind, item);
  return dataReply(status, data, included(call, query, kind, [item]));
}

/** Returns the type and id of resources: what `/relationships/…` shows. */
export function identifiersReply<Item extends Stored>(
  call: ApiCall,
  kind: ResourceKind<Item>,
  items: readonly Item[] | ((query: ApiQuery) => readonly Item[]),
  support: QuerySupport = {},
): ApiReply {
  const read = readQuery(call, support);
  if ('refusal' in read) return read.refusal;
  const { items: shown, links } = cutPage(call, read.query, {
    items: typeof items === 'function' ? items(read.query) : items,
    valueOf: (item, field) => fieldOf(call, kind, item, field),
  });
  const data = shown.map(({ id }) => ({ type: kind.type, id }));
  return dataReply(200, data, { links });
}

/** Returns the type and id of one resource, or null. */
export function identifierReply(call: ApiCall, type: string, id: string | undefined): ApiReply {
  const read = readQuery(call);
  if ('refusal' in read) return read.refusal;
  const self = `${call.context.origin}${call.path}/`;
  const related = self.replace('/relationships/', '/');
  return dataReply(200, id === undefined ? null : { type, id }, { links: { self, related } });
}

function fieldOf<Item extends Stored>(
  call: ApiCall,
  kind: ResourceKind<Item>,
  item: Item,
  field: string,
): JsonValue | undefined {
  const read = kind.values?.[field];
  if (read) return read(call, item);
  return field === 'id' ? item.id : valueAt(kind.attributes(call, item), field);
}

function included<Item extends Stored>(
  call: ApiCall,
  query: ApiQuery,
  kind: ResourceKind<Item>,
  items: readonly Item[],
): { readonly included?: readonly Resource[] } {
  if (query.include.length === 0) return {};
  const found = new Map<string, Resource>();
  for (const name of query.include) {
    for (const item of items) {
      for (const resource of kind.includes?.[name]?.(call, item, query) ?? []) {
        found.set(`${resource.type} ${resource.id}`, resource);
      }
    }
  }
  return { included: [...found.values()] };
}
