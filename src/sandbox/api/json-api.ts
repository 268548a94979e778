import type { Reply } from '../http/reply.ts';
import type { JsonObject } from '../state/records.ts';
import type { ApiCall } from './api-call.ts';
import { jsonApiType } from './api-error.ts';

/** A resource as JSON:API shows it. */
export interface Resource {
  readonly type: string;
  readonly id: string;
  readonly attributes: JsonObject;
  readonly relationships?: JsonObject;
  readonly links: { readonly self: string };
}

/** An answer with one resource, or a list with its links. */
export function dataReply(
  status: number,
  data: Resource | readonly Resource[],
  links?: JsonObject,
): Reply {
  return {
    status,
    headers: { 'content-type': jsonApiType },
    body: JSON.stringify(links ? { data, links } : { data }),
  };
}

/** Address of a resource, with the trailing slash Klaviyo writes. */
export function selfLink(call: ApiCall, collection: string, id: string): string {
  return `${call.context.origin}/api/${collection}/${encodeURIComponent(id)}/`;
}

/** A time as Klaviyo writes it: `2026-07-15T08:00:00+00:00`. */
export function isoTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}+00:00`;
}
