import type { z } from 'zod';
import { shortId } from '../ids.ts';
import type { ApiReply } from '../context/api-error.ts';
import type { Collection } from '../state/collection.ts';
import type { JsonObject } from '../state/json.ts';
import type { Stored, StoredResource } from '../state/stored-resource.ts';
import type { ApiCall, ApiHandler } from './api-call.ts';
import { readWrite } from './body.ts';
import { emptyReply, isoTime } from './json-api.ts';
import type { QuerySupport } from './query/read-query.ts';
import {
  identifierReply,
  identifiersReply,
  itemReply,
  listReply,
  presentReply,
  type ResourceKind,
} from './resource-kind.ts';

/** A kind whose resources are kept as {@link StoredResource}. */
export type StoredKind = ResourceKind<StoredResource>;

/** The same under the names that newer kinds have. */
export function withTimesAt({ attributes, createdMs, updatedMs }: StoredResource): JsonObject {
  return { ...attributes, created_at: isoTime(createdMs), updated_at: isoTime(updatedMs) };
}

/** The attributes of a stored resource with the two times most kinds show. */
export function withTimes({ attributes, createdMs, updatedMs }: StoredResource): JsonObject {
  return { ...attributes, created: isoTime(createdMs), updated: isoTime(updatedMs) };
}

/** The resources of a kind in the caller's account. */
export function collectionOf(call: ApiCall, kind: StoredKind): Collection<StoredResource> {
  return call.resources.of(kind.type);
}

/** The resource that the path names, or 404. */
export function storedInPath(
  call: ApiCall,
  kind: StoredKind,
): { readonly item: StoredResource } | { readonly refusal: ApiReply } {
  const id = call.params['id'] ?? call.params['job_id'] ?? '';
  const item = collectionOf(call, kind).get(id);
  return item ? { item } : { refusal: call.errors.notFound(kind.type, id) };
}

/** Keeps a new resource. */
export function addStored(
  call: ApiCall,
  kind: StoredKind,
  attributes: JsonObject,
  options: { readonly id?: string; readonly related?: StoredResource['related'] } = {},
): StoredResource {
  const nowMs = call.context.clock.now();
  return collectionOf(call, kind).add({
    id: options.id ?? shortId(call.context.random),
    attributes,
    createdMs: nowMs,
    updatedMs: nowMs,
    ...(options.related ? { related: options.related } : {}),
  });
}

/** Keeps a change: attributes given replace those of the same name, `undefined` changes nothing. */
export function changeStored(
  call: ApiCall,
  kind: StoredKind,
  item: StoredResource,
  change: Readonly<Record<string, unknown>>,
  related: StoredResource['related'] = item.related,
): StoredResource {
  const given = Object.entries(change).filter(([, value]) => value !== undefined);
  const changed: StoredResource = {
    ...item,
    attributes: { ...item.attributes, ...(Object.fromEntries(given) as JsonObject) },
    updatedMs: call.context.clock.now(),
    related,
  };
  collectionOf(call, kind).replace(changed);
  return changed;
}

/** Handler of `GET /api/<kind>`. */
export function listStored(kind: StoredKind, support: QuerySupport = {}): ApiHandler {
  return (call) => listReply(call, kind, collectionOf(call, kind).all(), support);
}

/** Handler of `GET /api/<kind>/{id}`. */
export function getStored(kind: StoredKind): ApiHandler {
  return (call) => {
    const found = storedInPath(call, kind);
    return 'refusal' in found ? found.refusal : itemReply(call, kind, found.item);
  };
}

/** Handler of `DELETE /api/<kind>/{id}`; `before` may refuse, or end what hangs on the resource. */
export function deleteStored(
  kind: StoredKind,
  before: (call: ApiCall, item: StoredResource) => ApiReply | undefined = () => undefined,
  status: 200 | 204 = 204,
): ApiHandler {
  return (call) => {
    const found = storedInPath(call, kind);
    if ('refusal' in found) return found.refusal;
    const refusal = before(call, found.item);
    if (refusal) return refusal;
    collectionOf(call, kind).remove(found.item.id);
    return emptyReply(status);
  };
}

/** Handler of a call that creates a resource: `create` keeps it, or refuses. */
export function createStored<Body>(
  kind: StoredKind,
  schema: z.ZodType<Body>,
  create: (call: ApiCall, body: Body) => StoredResource | { readonly refusal: ApiReply },
  status = 201,
): ApiHandler {
  return (call) => {
    const read = readWrite(call, schema);
    if ('refusal' in read) return read.refusal;
    const made = create(call, read.body);
    if ('refusal' in made) return made.refusal;
    return presentReply(call, read.query, kind, made, status);
  };
}

/** A body that changes a resource says which. */
interface ChangeBody {
  readonly data: { readonly id: string };
}

/** Handler of `PATCH /api/<kind>/{id}`; 204 where the operation answers without a body. */
export function updateStored<Body extends ChangeBody>(
  kind: StoredKind,
  schema: z.ZodType<Body>,
  change: (
    call: ApiCall,
    item: StoredResource,
    body: Body,
  ) => StoredResource | { readonly refusal: ApiReply },
): ApiHandler {
  return (call) => {
    const found = storedInPath(call, kind);
    if ('refusal' in found) return found.refusal;
    const read = readWrite(call, schema);
    if ('refusal' in read) return read.refusal;
    if (read.body.data.id !== found.item.id) return wrongId(call);
    const changed = change(call, found.item, read.body);
    if ('refusal' in changed) return changed.refusal;
    if (call.operation.success === 204) return emptyReply(204);
    return presentReply(call, read.query, kind, changed, 200);
  };
}

/** 400 for a body whose id is not the path's. */
export function wrongId(call: ApiCall): ApiReply {
  return call.errors.invalid('The id must be the one in the path.', { pointer: '/data/id' });
}

/** Handlers of `/<parent>/{id}/<children>` and `/<parent>/{id}/relationships/<children>`. */
export interface RelationHandlers {
  readonly related: ApiHandler;
  readonly identifiers: ApiHandler;
}

/** Handlers that show the children of the resource in the path. */
export function relation<Child extends Stored>(
  parent: StoredKind,
  child: ResourceKind<Child>,
  childrenOf: (call: ApiCall, item: StoredResource) => readonly Child[],
  support: QuerySupport = {},
): RelationHandlers {
  const answer =
    (reply: typeof listReply<Child>): ApiHandler =>
    (call) => {
      const found = storedInPath(call, parent);
      if ('refusal' in found) return found.refusal;
      return reply(call, child, childrenOf(call, found.item), support);
    };
  return { related: answer(listReply), identifiers: answer(identifiersReply) };
}

/** Handlers that show the one resource that the resource in the path leads to, if any. */
export function relationToOne<Child extends Stored>(
  parent: StoredKind,
  child: ResourceKind<Child>,
  childOf: (call: ApiCall, item: StoredResource) => readonly Child[],
): RelationHandlers {
  const withChild =
    (answer: (call: ApiCall, found: Child | undefined) => ApiReply): ApiHandler =>
    (call) => {
      const found = storedInPath(call, parent);
      return 'refusal' in found ? found.refusal : answer(call, childOf(call, found.item)[0]);
    };
  return {
    related: withChild((call, found) =>
      found ? itemReply(call, child, found) : call.errors.notFound(child.type, ''),
    ),
    identifiers: withChild((call, found) => identifierReply(call, child.type, found?.id)),
  };
}

/** The stored resources of a kind that these ids name, without those that are gone. */
export function storedOf(
  call: ApiCall,
  kind: StoredKind,
  ids: readonly string[] = [],
): StoredResource[] {
  return ids.flatMap((id) => collectionOf(call, kind).get(id) ?? []);
}

/** 404 for the first id that no resource of the kind in the account has. */
export function refuseStrangers(
  call: ApiCall,
  kind: StoredKind,
  ids: readonly string[],
): { readonly refusal: ApiReply } | undefined {
  const stranger = ids.find((id) => !collectionOf(call, kind).get(id));
  return stranger === undefined
    ? undefined
    : { refusal: call.errors.notFound(kind.type, stranger) };
}

/** 409 for an id that a resource of the kind in the account has already. */
export function refuseTaken(
  call: ApiCall,
  kind: StoredKind,
  id: string,
): { readonly refusal: ApiReply } | undefined {
  if (!collectionOf(call, kind).get(id)) return undefined;
  const detail = `A ${kind.type} with the id ${id} already exists.`;
  const source = { pointer: '/data/attributes/external_id' };
  return { refusal: call.errors.conflict(detail, source) };
}
