import type { StoredResource } from '../../state/stored-resource.ts';
import type { ApiCall } from '../api-call.ts';
import { isoTime } from '../json-api.ts';
import { linked, relationTo } from '../relation.ts';
import { collectionOf, withTimes, type StoredKind } from '../stored-kind.ts';

/** How items of the catalog are shown. */
export const itemKind: StoredKind = {
  type: 'catalog-item',
  path: 'catalog-items',
  attributes: (_, item) => withTimes(item),
  relations: {
    variants: relationTo(
      () => variantKind,
      (call, { id }) => variantsOf(call, id),
    ),
  },
  values: {
    ids: (_, { id }) => id,
    'category.id': (call, { id }) => categoriesOf(call, id).map((category) => category.id),
  },
};

/** How variants of items are shown. */
export const variantKind: StoredKind = {
  type: 'catalog-variant',
  path: 'catalog-variants',
  attributes: (_, variant) => withTimes(variant),
  relations: { item: linked },
  values: {
    ids: (_, { id }) => id,
    'item.id': (_, { related }) => related?.['item']?.[0] ?? null,
  },
};

/** How categories are shown. */
export const categoryKind: StoredKind = {
  type: 'catalog-category',
  path: 'catalog-categories',
  attributes: (_, { attributes, updatedMs }) => ({ ...attributes, updated: isoTime(updatedMs) }),
  relations: { items: linked },
  values: {
    ids: (_, { id }) => id,
    'item.id': (_, { related }) => related?.['items'] ?? [],
    created: (_, { createdMs }) => createdMs,
  },
};

/** The variants of an item. */
export function variantsOf(call: ApiCall, itemId: string): StoredResource[] {
  return collectionOf(call, variantKind)
    .all()
    .filter(({ related }) => related?.['item']?.includes(itemId));
}

/** The categories that an item is in: categories keep the ids of their items. */
export function categoriesOf(call: ApiCall, itemId: string): StoredResource[] {
  return collectionOf(call, categoryKind)
    .all()
    .filter(({ related }) => related?.['items']?.includes(itemId));
}

/** Changes which items a category has. */
export function setItems(
  call: ApiCall,
  category: StoredResource,
  change: (ids: readonly string[]) => readonly string[],
): void {
  const items = [...new Set(change(category.related?.['items'] ?? []))];
  const related = { ...category.related, items };
  collectionOf(call, categoryKind).replace({ ...category, related });
}
