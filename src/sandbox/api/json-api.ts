import { type ApiReply, jsonApiType } from '../context/api-error.ts';
import type { JsonObject } from '../state/json.ts';
import type { ApiCall } from './api-call.ts';

/** A resource as JSON:API shows it. */
export interface Resource {
  readonly type: string;
  readonly id: string;
  readonly attributes?: JsonObject;
  readonly relationships?: JsonObject;
  readonly links?: { readonly self: string };
}

/** What an answer holds besides its data. */
export interface DocumentParts {
  readonly links?: JsonObject;
  readonly included?: readonly Resource[];
}

/** An answer with one resource, none, or a list. */
export function dataReply(
  status: number,
  data: Resource | readonly Resource[] | null,
  parts: DocumentParts = {},
): ApiReply {
  return {
    status,
    headers: { 'content-type': jsonApiType },
    body: JSON.stringify({ data, ...parts }),
  };
}

/** An answer without a body: 204 for what is done, 202 for what is taken on. */
export function emptyReply(status: 202 | 204): ApiReply {
  return { status, headers: {}, body: '' };
}

/** Address of a resource, with the trailing slash Klaviyo writes. */
export function selfLink(call: ApiCall, collection: string, id: string): string {
  return `${call.context.origin}/api/${collection}/${encodeURIComponent(id)}/`;
}

/** Relationships that show their addresses only. */
export function linkedOnly(self: string, names: readonly string[]): JsonObject {
  return Object.fromEntries(names.map((name) => [name, { links: relationshipLinks(self, name) }]));
}

/** A relationship that shows whom it leads to. */
export function linkedTo(
  self: string,
  name: string,
  data: JsonObject | readonly JsonObject[] | null,
): JsonObject {
  return { [name]: { data, links: relationshipLinks(self, name) } };
}

function relationshipLinks(self: string, name: string): JsonObject {
  return { self: `${self}relationships/${name}/`, related: `${self}${name}/` };
}

/** A time as Klaviyo writes it: `2026-07-15T08:00:00+00:00`. */
export function isoTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}+00:00`;
}
