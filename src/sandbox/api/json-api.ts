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

/** The type and id of a resource. */
export interface Identifier {
  readonly type: string;
  readonly id: string;
}

/** What an answer holds besides its data. */
export interface DocumentParts {
  readonly included?: readonly Resource[];
  /** Default: the address called, and nothing else. */
  readonly links?: JsonObject;
}

/** An answer with one resource, none, or a list; it links to the address that was called. */
export function dataReply(
  call: ApiCall,
  status: number,
  data: Resource | readonly Resource[] | null,
  { included, links = { self: calledAddress(call) } }: DocumentParts = {},
): ApiReply {
  return {
    status,
    headers: { 'content-type': jsonApiType },
    body: JSON.stringify({ data, ...(included ? { included } : {}), links }),
  };
}

/** An answer without a body: 204 for what is done, 202 for what is taken on, 200 where Klaviyo says so. */
export function emptyReply(status: 200 | 202 | 204): ApiReply {
  return { status, headers: {}, body: '' };
}

/** The address called with its query as it was sent, and no slash before it. */
export function calledAddress({ context, path, search }: ApiCall): string {
  return `${context.origin}${path}${search}`;
}

/** Address of a resource: the id as it is, and the trailing slash Klaviyo writes (recorded). */
export function selfLink(call: ApiCall, collection: string, id: string): string {
  return `${call.context.origin}/api/${collection}/${id}/`;
}

/** A time as Klaviyo writes it: `2026-07-15T08:00:00+00:00`. */
export function isoTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}+00:00`;
}
