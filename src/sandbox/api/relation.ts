import type { JsonObject } from '../state/json.ts';
import type { Stored } from '../state/stored-resource.ts';
import type { ApiCall } from './api-call.ts';
import { present, type Place, type Relation, type ResourceKind } from './resource-kind.ts';

/** What a relationship says besides what an `include` asks for (all recorded, by kind). */
export interface RelationOptions {
  /** Leads to one resource at most. */
  readonly one?: boolean;
  /**
   * When it names what it leads to: only when included (default), always, when written or included,
   * or whenever it leads somewhere. `filled-only` hides it where it leads nowhere.
   */
  readonly data?: 'included' | 'always' | 'written' | 'filled' | 'filled-only';
  /** `none` where Klaviyo gives it no addresses. */
  readonly links?: 'both' | 'none';
}

/** A relationship that shows its addresses and cannot be included. */
export const linked: Relation<Stored> = {
  show: (_call, _item, place) => ({ links: linksOf(place) }),
};

/** A relationship that shows one address only. */
export const relatedOnly: Relation<Stored> = {
  show: (_call, _item, place) => ({ links: { related: place.address('') } }),
};

/** Something that can be included and is no relationship of its own, such as attributions. */
export const hidden: Relation<Stored> = { show: () => undefined, resources: () => [] };

/**
 * Creates a relationship to resources of a kind.
 *
 * @param to a function, because kinds lead to each other
 */
export function relationTo<Item extends Stored, Child extends Stored>(
  to: () => ResourceKind<Child>,
  childrenOf: (call: ApiCall, item: Item) => readonly Child[],
  { one = false, data = 'included', links = 'both' }: RelationOptions = {},
): Relation<Item> {
  return {
    show(call, item, place) {
      const { type } = to();
      const children = childrenOf(call, item).map(({ id }) => ({ type, id }));
      if (data === 'filled-only' && children.length === 0) return undefined;
      const isNamed =
        place.isIncluded ||
        data === 'always' ||
        (data === 'written' && call.operation.method !== 'GET') ||
        (data.startsWith('filled') && children.length > 0);
      const shown: JsonObject = {
        ...(isNamed ? { data: one ? (children[0] ?? null) : children } : {}),
        ...(links === 'both' ? { links: linksOf(place) } : {}),
      };
      return Object.keys(shown).length > 0 ? shown : undefined;
    },
    resources: (call, item, query) =>
      childrenOf(call, item).map((child) => present(call, query, to(), child, false)),
  };
}

function linksOf({ address }: Place): JsonObject {
  return { self: address('relationships/'), related: address('') };
}
