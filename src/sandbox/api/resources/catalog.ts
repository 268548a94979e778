import type { ApiCall, ApiHandler, HandlerTable } from '../api-call.ts';
import { readWrite } from '../body.ts';
import { emptyReply } from '../json-api.ts';
import {
  collectionOf,
  createStored,
  deleteStored,
  getStored,
  listStored,
  refuseStrangers,
  relation,
  storedInPath,
  storedOf,
  updateStored,
  type StoredKind,
} from '../stored-kind.ts';
import { identifiersBody } from './bodies.ts';
import {
  catalogCreations,
  catalogRemovals,
  catalogUpdates,
  categoryChange,
  categoryCreation,
  itemChange,
  itemCreation,
  setCategories,
  variantChange,
  variantCreation,
} from './catalog-writes.ts';
import {
  categoriesOf,
  categoryKind,
  itemKind,
  setItems,
  variantKind,
  variantsOf,
} from './catalog-kinds.ts';

const itemFilters = { filter: ['ids', 'category.id', 'title', 'published'] };
const variantFilters = { filter: ['ids', 'item.id', 'sku', 'title', 'published'] };
const categoryFilters = { filter: ['ids', 'item.id', 'name'] };

const variants = relation(itemKind, variantKind, (call, { id }) => variantsOf(call, id), {
  filter: variantFilters.filter,
});
const categories = relation(itemKind, categoryKind, (call, { id }) => categoriesOf(call, id), {
  filter: categoryFilters.filter,
});
const items = relation(
  categoryKind,
  itemKind,
  (call, { related }) => storedOf(call, itemKind, related?.['items']),
  itemFilters,
);

type Change = (before: readonly string[], ids: readonly string[]) => readonly string[];

const changes = {
  add: (before, ids) => [...before, ...ids],
  remove: (before, ids) => before.filter((id) => !ids.includes(id)),
  replace: (_before, ids) => ids,
} as const satisfies Record<string, Change>;

/** Changes what is related to the resource in the path: by all the ids of the body, or none. */
function changeRelated(
  parent: StoredKind,
  child: StoredKind,
  how: keyof typeof changes,
  linkedTo: (call: ApiCall, parentId: string) => readonly string[],
  apply: (call: ApiCall, parentId: string, ids: readonly string[]) => void,
): ApiHandler {
  return (call) => {
    const found = storedInPath(call, parent);
    if ('refusal' in found) return found.refusal;
    const read = readWrite(call, identifiersBody(child.type));
    if ('refusal' in read) return read.refusal;
    const ids = read.body.data.map(({ id }) => id);
    const strangers = refuseStrangers(call, child, ids);
    if (strangers) return strangers.refusal;
    const linked = linkedTo(call, found.item.id);
    const twice = how === 'add' && ids.find((id) => linked.includes(id));
    if (twice) {
      const detail = `The ${child.type} ${twice} is linked already.`;
      return call.errors.conflict(detail, { pointer: '/data' });
    }
    apply(call, found.item.id, changes[how](linked, ids));
    return emptyReply(204);
  };
}

const itemsOfCategory = (how: keyof typeof changes) =>
  changeRelated(
    categoryKind,
    itemKind,
    how,
    (call, id) => collectionOf(call, categoryKind).get(id)?.related?.['items'] ?? [],
    (call, id, items) => {
      const category = collectionOf(call, categoryKind).get(id);
      if (category) setItems(call, category, () => items);
    },
  );

const categoriesOfItem = (how: keyof typeof changes) =>
  changeRelated(
    itemKind,
    categoryKind,
    how,
    (call, itemId) => categoriesOf(call, itemId).map(({ id }) => id),
    setCategories,
  );

/** Klaviyo says of an unknown item in other words when it is to be deleted (recorded). */
function inDeletionWording(handler: ApiHandler): ApiHandler {
  return (call) => {
    const id = call.params['id'] ?? '';
    return collectionOf(call, itemKind).get(id)
      ? handler(call)
      : call.errors.notFound('catalog-item-deletion', id);
  };
}

export const catalogHandlers: HandlerTable = {
  get_catalog_items: listStored(itemKind, itemFilters),
  create_catalog_item: createStored(itemKind, itemCreation, catalogCreations.item),
  get_catalog_item: getStored(itemKind),
  update_catalog_item: updateStored(itemKind, itemChange, catalogUpdates.item),
  delete_catalog_item: inDeletionWording(deleteStored(itemKind, catalogRemovals.item)),
  get_variants_for_catalog_item: variants.related,
  get_variant_ids_for_catalog_item: variants.identifiers,
  get_categories_for_catalog_item: categories.related,
  get_category_ids_for_catalog_item: categories.identifiers,
  add_categories_to_catalog_item: categoriesOfItem('add'),
  remove_categories_from_catalog_item: categoriesOfItem('remove'),
  update_categories_for_catalog_item: categoriesOfItem('replace'),
  get_catalog_variants: listStored(variantKind, variantFilters),
  create_catalog_variant: createStored(variantKind, variantCreation, catalogCreations.variant),
  get_catalog_variant: getStored(variantKind),
  update_catalog_variant: updateStored(variantKind, variantChange, catalogUpdates.variant),
  delete_catalog_variant: deleteStored(variantKind),
  get_catalog_categories: listStored(categoryKind, categoryFilters),
  create_catalog_category: createStored(categoryKind, categoryCreation, catalogCreations.category),
  get_catalog_category: getStored(categoryKind),
  update_catalog_category: updateStored(categoryKind, categoryChange, catalogUpdates.category),
  delete_catalog_category: deleteStored(categoryKind),
  get_items_for_catalog_category: items.related,
  get_item_ids_for_catalog_category: items.identifiers,
  add_items_to_catalog_category: itemsOfCategory('add'),
  remove_items_from_catalog_category: itemsOfCategory('remove'),
  update_items_for_catalog_category: itemsOfCategory('replace'),
};
