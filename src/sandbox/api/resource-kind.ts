import type { ApiReply } from '../context/api-error.ts';
import type { JsonObject, JsonValue } from '../state/json.ts';
import type { Stored } from '../state/stored-resource.ts';
import type { ApiCall } from './api-call.ts';
import { dataReply, selfLink, type Identifier, type Resource } from './json-api.ts';
import { cutPage, type Page } from './query/page.ts';
import { readQuery, type ApiQuery, type QuerySupport } from './query/read-query.ts';
import { pick, valueAt } from './query/sparse.ts';

/** A field that answers show only when a caller asks for it. */
export type AdditionalField<Item> = (call: ApiCall, item: Item) => JsonValue;

/** How resources of one type are shown, filtered and sorted. */
export interface ResourceKind<Item extends Stored> {
  /** JSON:API's type, such as `profile`. */
  readonly type: string;
  /** The collection in addresses, such as `profiles`. */
  readonly path: string;
  attributes(call: ApiCall, item: Item): JsonObject;
  readonly additional?: Readonly<Record<string, AdditionalField<Item>>>;
  /** Its relationships under Klaviyo's names; a function where they depend on the operation. */
  readonly relations?:
    Relations<Item> | ((call: ApiCall, isPrimary: boolean) => Relations<Item>) | undefined;
  /** What filters and sorts compare where it is not an attribute of the same name. */
  readonly values?: Readonly<Record<string, (call: ApiCall, item: Item) => JsonValue>>;
}

/** Where a relationship stands in an answer. */
export interface Place {
  /** Its address with `''` or `relationships/` between the resource's own and the name. */
  address(suffix: '' | 'relationships/'): string;
  /** Whether the query asks for the related resources. */
  readonly isIncluded: boolean;
}

/** A relationship of a resource: how it is shown, and what `include` adds to the answer. */
export interface Relation<Item extends Stored> {
  /** `undefined` where it is not shown. */
  show(call: ApiCall, item: Item, place: Place): JsonObject | undefined;
  /** Absent where it cannot be included. */
  resources?(call: ApiCall, item: Item, query: ApiQuery): readonly Resource[];
}

/** The relationships of a kind. */
export type Relations<Item extends Stored> = Readonly<Record<string, Relation<Item>>>;

/** A resource as an answer shows it: with the fields the query asks for. */
export function present<Item extends Stored>(
  call: ApiCall,
  query: ApiQuery,
  kind: ResourceKind<Item>,
  item: Item,
  isPrimary = true,
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
  const relationships = Object.entries(relationsOf(call, kind, isPrimary)).flatMap(
    ([name, relation]) => {
      const shown = relation.show(call, item, {
        address: (suffix) => `${self}${suffix}${name}/`,
        isIncluded: isPrimary && query.include.includes(name),
      });
      return shown ? [[name, shown] as const] : [];
    },
  );
  return {
    type: kind.type,
    id: item.id,
    attributes: fields ? pick(attributes, asked) : attributes,
    ...(relationships.length > 0 ? { relationships: Object.fromEntries(relationships) } : {}),
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
  const read = readQuery(call, { include: includable(call, kind), ...support });
  if ('refusal' in read) return read.refusal;
  const { query } = read;
  const page = pageOf(call, query, kind, items);
  if ('refusal' in page) return page.refusal;
  const { items: shown, links } = page;
  const data = shown.map((item) => present(call, query, kind, item));
  return dataReply(call, 200, data, { links, ...included(call, query, kind, shown) });
}

/** Returns one resource with what it includes. */
export function itemReply<Item extends Stored>(
  call: ApiCall,
  kind: ResourceKind<Item>,
  item: Item,
): ApiReply {
  const read = readQuery(call, { include: includable(call, kind) });
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
  return dataReply(call, status, data, included(call, query, kind, [item]));
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
  const page = pageOf(call, read.query, kind, items);
  if ('refusal' in page) return page.refusal;
  const { items: shown, links } = page;
  const data = shown.map(({ id }): Identifier => ({ type: kind.type, id }));
  return dataReply(call, 200, data, { links });
}

/** Returns the type and id of one resource, or null. */
export function identifierReply(call: ApiCall, type: string, id: string | undefined): ApiReply {
  const read = readQuery(call);
  if ('refusal' in read) return read.refusal;
  return dataReply(call, 200, id === undefined ? null : { type, id });
}

function relationsOf<Item extends Stored>(
  call: ApiCall,
  { relations = {} }: ResourceKind<Item>,
  isPrimary: boolean,
): Relations<Item> {
  return typeof relations === 'function' ? relations(call, isPrimary) : relations;
}

/** What an `include` may name. */
function includable<Item extends Stored>(call: ApiCall, kind: ResourceKind<Item>): string[] {
  return Object.entries(relationsOf(call, kind, true))
    .filter(([, relation]) => relation.resources)
    .map(([name]) => name);
}

/** A page of resources; 501 for a filter or an order by what none of them has. */
function pageOf<Item extends Stored>(
  call: ApiCall,
  query: ApiQuery,
  kind: ResourceKind<Item>,
  items: readonly Item[] | ((query: ApiQuery) => readonly Item[]),
): Page<Item> | { readonly refusal: ApiReply } {
  const all = typeof items === 'function' ? items(query) : items;
  const valueOf = (item: Item, field: string) => fieldOf(call, kind, item, field);
  const fields = [
    ...query.filter.map(({ field }) => field),
    ...(query.sort ? [query.sort.key] : []),
  ];
  const lacking = fields.find((field) => all.every((item) => valueOf(item, field) === undefined));
  if (lacking !== undefined && all.length > 0) {
    const what = `A filter or an order by ${lacking} of ${call.operation.id}`;
    return { refusal: call.errors.notImplemented(what) };
  }
  return cutPage(call, query, { items: all, valueOf });
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
  const relations = relationsOf(call, kind, true);
  const found = new Map<string, Resource>();
  for (const name of query.include) {
    for (const item of items) {
      for (const resource of relations[name]?.resources?.(call, item, query) ?? []) {
        found.set(`${resource.type} ${resource.id}`, resource);
      }
    }
  }
  return { included: [...found.values()] };
}
