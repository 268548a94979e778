import { z } from 'zod';
import type { ApiReply } from '../../context/api-error.ts';
import type { JsonObject } from '../../state/json.ts';
import type { StoredResource } from '../../state/stored-resource.ts';
import type { ApiCall } from '../api-call.ts';
import {
  addStored,
  changeStored,
  collectionOf,
  refuseStrangers,
  refuseTaken,
  type StoredKind,
} from '../stored-kind.ts';
import { identifierOf } from './bodies.ts';
import {
  categoryKind,
  itemKind,
  setItems,
  variantKind,
  variantsOf,
  categoriesOf,
} from './catalog-kinds.ts';
import { freeObject } from './profile-attributes.ts';

type Made = StoredResource | { readonly refusal: ApiReply };

const text = z.string().max(10_000);
const pictures = {
  image_full_url: text.nullish(),
  image_thumbnail_url: text.nullish(),
  images: z.array(text).nullish(),
  custom_metadata: freeObject.nullish(),
  published: z.boolean().nullish(),
};
const naming = {
  external_id: z.string().min(1).max(255),
  integration_type: z.literal('$custom').nullish(),
  catalog_type: z.string().min(1).max(255).nullish(),
};
const itemFields = { title: text, description: text, url: text, ...pictures };
const variantFields = {
  ...itemFields,
  sku: text,
  inventory_policy: z.union([z.literal(0), z.literal(1), z.literal(2)]).nullish(),
  inventory_quantity: z.number(),
  price: z.number(),
};
const price = z.number().nullish();

const many = <Type extends string>(type: Type) =>
  z.strictObject({ data: z.array(identifierOf(type)) });
const itemRelations = z.strictObject({ categories: many('catalog-category').optional() });
const categoryRelations = z.strictObject({ items: many('catalog-item').optional() });

/** The item, variant or category of a creation, alone or in a bulk job. */
export const newItem = z.strictObject({
  type: z.literal('catalog-item'),
  attributes: z.strictObject({ ...naming, ...itemFields, price }),
  relationships: itemRelations.optional(),
});
export const newVariant = z.strictObject({
  type: z.literal('catalog-variant'),
  attributes: z.strictObject({ ...naming, ...variantFields }),
  relationships: z.strictObject({ item: z.strictObject({ data: identifierOf('catalog-item') }) }),
});
export const newCategory = z.strictObject({
  type: z.literal('catalog-category'),
  attributes: z.strictObject({ ...naming, name: z.string().min(1).max(255) }),
  relationships: categoryRelations.optional(),
});

/** The same of a change. */
export const changedItem = z.strictObject({
  type: z.literal('catalog-item'),
  id: z.string(),
  attributes: z
    .strictObject({ ...itemFields, price })
    .partial()
    .default({}),
  relationships: itemRelations.optional(),
});
export const changedVariant = z.strictObject({
  type: z.literal('catalog-variant'),
  id: z.string(),
  attributes: z.strictObject(variantFields).partial().default({}),
});
export const changedCategory = z.strictObject({
  type: z.literal('catalog-category'),
  id: z.string(),
  attributes: z.strictObject({ name: z.string().min(1).max(255).optional() }).default({}),
  relationships: categoryRelations.optional(),
});

export const itemCreation = z.strictObject({ data: newItem });
export const variantCreation = z.strictObject({ data: newVariant });
export const categoryCreation = z.strictObject({ data: newCategory });
export const itemChange = z.strictObject({ data: changedItem });
export const variantChange = z.strictObject({ data: changedVariant });
export const categoryChange = z.strictObject({ data: changedCategory });

const noPictures: JsonObject = {
  image_full_url: null,
  image_thumbnail_url: null,
  images: [],
  custom_metadata: {},
  published: true,
};

/**
 * Keeps a new resource of the catalog under Klaviyo's compound id, such as
 * `$custom:::$default:::SKU-1`; 409 where it is taken.
 */
function addToCatalog(
  call: ApiCall,
  kind: StoredKind,
  attributes: {
    readonly external_id: string;
    readonly catalog_type?: string | null | undefined;
    readonly integration_type?: string | null | undefined;
  },
  defaults: JsonObject,
  related?: StoredResource['related'],
): Made {
  const { catalog_type, integration_type: _type, ...kept } = attributes;
  const id = `$custom:::${catalog_type ?? '$default'}:::${attributes.external_id}`;
  const taken = refuseTaken(call, kind, id);
  if (taken) return taken;
  const given = Object.entries(kept as Readonly<Record<string, unknown>>).filter(
    ([, value]) => value != null,
  );
  const shown = { ...defaults, ...(Object.fromEntries(given) as JsonObject) };
  return addStored(call, kind, shown, { id, related });
}

const idsOf = (list: { readonly data: readonly { readonly id: string }[] } | undefined) =>
  list?.data.map(({ id }) => id);

/** Puts an item into exactly these categories. */
export function setCategories(call: ApiCall, itemId: string, ids: readonly string[]): void {
  for (const category of [...collectionOf(call, categoryKind).all()]) {
    setItems(call, category, (held) => {
      const others = held.filter((id) => id !== itemId);
      return ids.includes(category.id) ? [...others, itemId] : others;
    });
  }
}

/** How each kind is created. */
export const catalogCreations = {
  item(call: ApiCall, { data }: z.infer<typeof itemCreation>): Made {
    const ids = idsOf(data.relationships?.categories);
    const stranger = refuseStrangers(call, categoryKind, ids ?? []);
    if (stranger) return stranger;
    const made = addToCatalog(call, itemKind, data.attributes, { ...noPictures, price: null });
    if (ids && !('refusal' in made)) setCategories(call, made.id, ids);
    return made;
  },
  variant(call: ApiCall, { data }: z.infer<typeof variantCreation>): Made {
    const item = [data.relationships.item.data.id];
    const defaults = { ...noPictures, inventory_policy: 0 };
    return (
      refuseStrangers(call, itemKind, item) ??
      addToCatalog(call, variantKind, data.attributes, defaults, { item })
    );
  },
  category(call: ApiCall, { data }: z.infer<typeof categoryCreation>): Made {
    const items = idsOf(data.relationships?.items) ?? [];
    return (
      refuseStrangers(call, itemKind, items) ??
      addToCatalog(call, categoryKind, data.attributes, {}, { items })
    );
  },
};

/** How each kind is changed. */
export const catalogUpdates = {
  item(call: ApiCall, item: StoredResource, { data }: z.infer<typeof itemChange>): Made {
    const ids = idsOf(data.relationships?.categories);
    const stranger = refuseStrangers(call, categoryKind, ids ?? []);
    if (stranger) return stranger;
    if (ids) setCategories(call, item.id, ids);
    return changeStored(call, itemKind, item, data.attributes);
  },
  variant: (
    call: ApiCall,
    variant: StoredResource,
    { data }: z.infer<typeof variantChange>,
  ): Made => changeStored(call, variantKind, variant, data.attributes),
  category(
    call: ApiCall,
    category: StoredResource,
    { data }: z.infer<typeof categoryChange>,
  ): Made {
    const items = idsOf(data.relationships?.items);
    const stranger = refuseStrangers(call, itemKind, items ?? []);
    if (stranger) return stranger;
    const related = items ? { items } : category.related;
    return changeStored(call, categoryKind, category, data.attributes, related);
  },
};

/** What ends with a resource of each kind. */
export const catalogRemovals = {
  item(call: ApiCall, { id }: StoredResource): undefined {
    for (const variant of variantsOf(call, id)) collectionOf(call, variantKind).remove(variant.id);
    for (const category of categoriesOf(call, id)) {
      setItems(call, category, (held) => held.filter((other) => other !== id));
    }
  },
};
