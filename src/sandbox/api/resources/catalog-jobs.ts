import { z } from 'zod';
import type { ApiReply } from '../../context/api-error.ts';
import type { JsonObject } from '../../state/json.ts';
import type { StoredResource } from '../../state/stored-resource.ts';
import type { ApiCall, ApiHandler, HandlerTable } from '../api-call.ts';
import { readWrite } from '../body.ts';
import { linked, relationTo } from '../relation.ts';
import { collectionOf, getStored, listStored, storedOf, type StoredKind } from '../stored-kind.ts';
import { identifierOf } from './bodies.ts';
import { categoryKind, itemKind, variantKind } from './catalog-kinds.ts';
import {
  catalogCreations,
  catalogRemovals,
  catalogUpdates,
  changedCategory,
  changedItem,
  changedVariant,
  newCategory,
  newItem,
  newVariant,
} from './catalog-writes.ts';
import { beginJob } from './jobs.ts';

type Outcome = StoredResource | { readonly refusal: ApiReply };

/** A kind of job: over which resources, and what it does to each. */
interface JobPlan<Part> {
  readonly kind: StoredKind;
  readonly what: 'create' | 'update' | 'delete';
  readonly part: z.ZodType<Part>;
  run(call: ApiCall, part: Part): Outcome;
}

/** The handlers of one kind of job. */
interface JobHandlers {
  readonly begin: ApiHandler;
  readonly list: ApiHandler;
  readonly get: ApiHandler;
}

/**
 * Creates the handlers of a job. Parts that cannot be done count as failed and stand among the
 * job's errors; the others are done.
 */
export function jobHandlers<Part>({ kind, what, part, run }: JobPlan<Part>): JobHandlers {
  const type = `${kind.type}-bulk-${what}-job`;
  // A job names its resources by the last word of the collection: items, variants, categories.
  const name = kind.path.replace(/^catalog-/, '');
  const made = relationTo(
    () => kind,
    (call, { related }: StoredResource) => storedOf(call, kind, related?.[name]),
    { links: 'none' },
  );
  const jobKind: StoredKind = {
    type,
    path: `${type}s`,
    attributes: (_, job) => job.attributes,
    relations:
      what === 'delete'
        ? {}
        : ({ operation }) => ({
            // Addresses where the job begins, what is included and nothing else where it is read (recorded).
            [name]: operation.method === 'POST' ? linked : made,
          }),
  };
  const body = z.strictObject({
    data: z.strictObject({
      type: z.literal(type),
      attributes: z.strictObject({
        [name]: z.strictObject({
          data: z
            .array(part)
            .min(1)
            .max(name === 'coupon-codes' ? 1_000 : 100),
        }),
      }),
    }),
  });
  const begin: ApiHandler = (call) => {
    const read = readWrite(call, body);
    if ('refusal' in read) return read.refusal;
    const parts = read.body.data.attributes[name]?.data ?? [];
    return beginJob(call, read.query, jobKind, {
      shape: { status: 'processing', failures: 'failed_count', besides: ['expires_at', 'errors'] },
      total: parts.length,
      run() {
        const outcomes = parts.map((each) => run(call, each));
        const done = outcomes.flatMap((outcome) => ('refusal' in outcome ? [] : [outcome.id]));
        const errors = outcomes.flatMap((outcome, index) =>
          'refusal' in outcome
            ? [jobError(outcome.refusal, `/data/attributes/${name}/data/${index}`)]
            : [],
        );
        return { failed: errors.length, errors, related: { [name]: done } };
      },
    });
  };
  return { begin, list: listStored(jobKind), get: getStored(jobKind) };
}

/** The error of a single call as a job shows it. */
function jobError({ body }: ApiReply, pointer: string): JsonObject {
  const { errors } = JSON.parse(body) as { errors: readonly [JsonObject] };
  const { id = '', code = '', title = '', detail = '' } = errors[0];
  return { id, code, title, detail, source: { pointer } };
}

/** Runs a change of the resource that the part names, or finds there is none. */
function onExisting<Part extends { readonly id: string }>(
  kind: StoredKind,
  change: (call: ApiCall, item: StoredResource, body: { readonly data: Part }) => Outcome,
) {
  return (call: ApiCall, data: Part): Outcome => {
    const item = collectionOf(call, kind).get(data.id);
    return item
      ? change(call, item, { data })
      : { refusal: call.errors.notFound(kind.type, data.id) };
  };
}

function deletionOf(kind: StoredKind, before?: (call: ApiCall, item: StoredResource) => unknown) {
  return jobHandlers({
    kind,
    what: 'delete',
    part: identifierOf(kind.type),
    run: onExisting(kind, (call, item) => {
      before?.(call, item);
      collectionOf(call, kind).remove(item.id);
      return item;
    }),
  });
}

const items = {
  create: jobHandlers({
    kind: itemKind,
    what: 'create',
    part: newItem,
    run: (call, data) => catalogCreations.item(call, { data }),
  }),
  update: jobHandlers({
    kind: itemKind,
    what: 'update',
    part: changedItem,
    run: onExisting(itemKind, catalogUpdates.item),
  }),
  delete: deletionOf(itemKind, catalogRemovals.item),
};
const variants = {
  create: jobHandlers({
    kind: variantKind,
    what: 'create',
    part: newVariant,
    run: (call, data) => catalogCreations.variant(call, { data }),
  }),
  update: jobHandlers({
    kind: variantKind,
    what: 'update',
    part: changedVariant,
    run: onExisting(variantKind, catalogUpdates.variant),
  }),
  delete: deletionOf(variantKind),
};
const categories = {
  create: jobHandlers({
    kind: categoryKind,
    what: 'create',
    part: newCategory,
    run: (call, data) => catalogCreations.category(call, { data }),
  }),
  update: jobHandlers({
    kind: categoryKind,
    what: 'update',
    part: changedCategory,
    run: onExisting(categoryKind, catalogUpdates.category),
  }),
  delete: deletionOf(categoryKind),
};

export const catalogJobHandlers: HandlerTable = {
  bulk_create_catalog_items: items.create.begin,
  get_bulk_create_catalog_items_jobs: items.create.list,
  get_bulk_create_catalog_items_job: items.create.get,
  bulk_update_catalog_items: items.update.begin,
  get_bulk_update_catalog_items_jobs: items.update.list,
  get_bulk_update_catalog_items_job: items.update.get,
  bulk_delete_catalog_items: items.delete.begin,
  get_bulk_delete_catalog_items_jobs: items.delete.list,
  get_bulk_delete_catalog_items_job: items.delete.get,
  bulk_create_catalog_variants: variants.create.begin,
  get_bulk_create_variants_jobs: variants.create.list,
  get_bulk_create_variants_job: variants.create.get,
  bulk_update_catalog_variants: variants.update.begin,
  get_bulk_update_variants_jobs: variants.update.list,
  get_bulk_update_variants_job: variants.update.get,
  bulk_delete_catalog_variants: variants.delete.begin,
  get_bulk_delete_variants_jobs: variants.delete.list,
  get_bulk_delete_variants_job: variants.delete.get,
  bulk_create_catalog_categories: categories.create.begin,
  get_bulk_create_categories_jobs: categories.create.list,
  get_bulk_create_categories_job: categories.create.get,
  bulk_update_catalog_categories: categories.update.begin,
  get_bulk_update_categories_jobs: categories.update.list,
  get_bulk_update_categories_job: categories.update.get,
  bulk_delete_catalog_categories: categories.delete.begin,
  get_bulk_delete_categories_jobs: categories.delete.list,
  get_bulk_delete_categories_job: categories.delete.get,
};
