import type { Reply } from '../http/reply.ts';
import type { JsonObject, Stored } from '../state/records.ts';
import type { Collection } from '../state/collection.ts';
import type { ApiCall } from './api-call.ts';

/** Parameters Klaviyo has and the sandbox lacks; ignoring them would make tests pass wrongly. */
const unbuilt = /^(filter|sort|include|(additional-)?fields\[[\w-]+\])$/;

/** Refuses query parameters that the operation does not take (400) or the sandbox lacks (501). */
export function refuseQuery(call: ApiCall, allowed: readonly string[] = []): Reply | undefined {
  for (const name of call.query.keys()) {
    if (allowed.includes(name)) continue;
    if (unbuilt.test(name)) {
      return call.errors.notImplemented(`The parameter ${name} of ${call.operation.id}`);
    }
    const shown = name.slice(0, 50);
    return call.errors.invalid(`'${shown}' is not a valid parameter for this operation.`, {
      parameter: shown,
    });
  }
  return undefined;
}

/** How an operation pages. */
export interface Paging {
  readonly defaultSize: number;
  /** `undefined` where the operation takes no `page[size]`. */
  readonly maxSize: number | undefined;
}

/** One page of a collection with the links to itself and the next. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly links: JsonObject;
}

/** Reads `page[cursor]` and `page[size]` and cuts the page; answers the refusal, if any. */
export function readPage<Item extends Stored>(
  call: ApiCall,
  collection: Collection<Item>,
  paging: Paging,
): { readonly page: Page<Item> } | { readonly refusal: Reply } {
  const sizeName = paging.maxSize === undefined ? [] : ['page[size]'];
  const refusal = refuseQuery(call, ['page[cursor]', ...sizeName]);
  if (refusal) return { refusal };
  const size = readSize(call, paging);
  if (size === undefined) {
    const detail = `'page[size]' must be between 1 and ${paging.maxSize}.`;
    return { refusal: call.errors.invalid(detail, { parameter: 'page[size]' }) };
  }
  const after = readCursor(call.query.get('page[cursor]'));
  if (after === undefined) {
    const source = { parameter: 'page[cursor]' };
    return { refusal: call.errors.invalid('Invalid cursor.', source) };
  }
  const found = collection.page(after, size + 1);
  const items = found.slice(0, size);
  const last = items.at(-1);
  const next = found.length > size && last ? nextLink(call, last.seq) : null;
  return { page: { items, links: { self: link(call, call.query), next, prev: null } } };
}

function readSize(call: ApiCall, { defaultSize, maxSize }: Paging): number | undefined {
  const text = call.query.get('page[size]');
  if (text === null || maxSize === undefined) return defaultSize;
  const size = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return size >= 1 && size <= maxSize ? size : undefined;
}

/** Cursors are opaque to callers: `next::seq::<number>` in base64url. */
function readCursor(cursor: string | null): number | undefined {
  if (cursor === null) return 0;
  const text = Buffer.from(cursor, 'base64url').toString('utf8');
  const seq = /^next::seq::(\d{1,15})$/.exec(text)?.[1];
  return seq === undefined ? undefined : Number(seq);
}

function nextLink(call: ApiCall, seq: number): string {
  const query = new URLSearchParams(call.query);
  query.set('page[cursor]', Buffer.from(`next::seq::${seq}`).toString('base64url'));
  return link(call, query);
}

function link(call: ApiCall, query: URLSearchParams): string {
  const search = query.toString();
  return `${call.context.origin}${call.operation.path}/${search === '' ? '' : `?${search}`}`;
}
