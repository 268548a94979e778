import { Readable } from 'node:stream';
import type { ApiBody } from '../calls/api-body.ts';
import type { ApiRequestInit } from '../calls/api-call.ts';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import { toQueryString } from './query-string.ts';
import { isForm, readForm } from './read-form.ts';
import type { SdkRequest, ShownRequest } from './sdk-types.ts';

/** A request of the SDK, as `connection.fetch` takes it. */
export interface TranslatedCall {
  readonly target: string;
  readonly init: ApiRequestInit;
  /** For answers and errors. */
  readonly shown: ShownRequest;
}

interface Body {
  readonly body: ApiBody | null;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Translates a request of the SDK. A credential in its headers is dropped: Keyshift sets its own.
 *
 * @throws KeyshiftError `request_invalid` for a body of a kind that cannot be sent
 */
export async function toApiCall(request: SdkRequest): Promise<TranslatedCall> {
  const { url = '', params } = request;
  const method = (request.method ?? 'GET').toUpperCase();
  const { body, headers: bodyHeaders } = await toBody(request.data);
  const headers = { ...readHeaders(request.headers), ...bodyHeaders };
  const query = toQueryString(params);
  const [address = ''] = url.split('#', 1);
  return {
    target: query === '' ? address : `${address}${address.includes('?') ? '&' : '?'}${query}`,
    init: { method, headers, body },
    shown: { method, url, params, headers, data: typeof body === 'string' ? body : undefined },
  };
}

/** What Keyshift or undici sets by itself. */
const dropped: ReadonlySet<string> = new Set(['authorization', 'content-length', 'host']);

function readHeaders(headers: object | undefined): Record<string, string> {
  const read: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers ?? {}) as [string, unknown][]) {
    const lower = name.toLowerCase();
    if (dropped.has(lower)) continue;
    if (Array.isArray(value)) read[lower] = value.join(', ');
    else if (typeof value === 'string' || typeof value === 'number') read[lower] = `${value}`;
  }
  return read;
}

async function toBody(data: unknown): Promise<Body> {
  if (data === undefined || data === null) return { body: null, headers: {} };
  if (typeof data === 'string' || data instanceof Uint8Array || data instanceof Readable) {
    return { body: data, headers: {} };
  }
  if (isForm(data)) return { body: await readForm(data), headers: data.getHeaders() };
  if (data instanceof URLSearchParams) {
    const type = 'application/x-www-form-urlencoded;charset=utf-8';
    return { body: data.toString(), headers: { 'content-type': type } };
  }
  if (isForeign(data)) {
    throw new KeyshiftError(
      'request_invalid',
      `A body of type ${data.constructor.name} cannot be sent.`,
      {
        fix: 'Send an object, a string, a Buffer, a Node stream, or a form from the form-data package.',
      },
    );
  }
  return { body: JSON.stringify(data), headers: {} };
}

/** Bodies of the web, and streams that are not Node's: as JSON they would be `{}`. */
function isForeign(data: unknown): data is object {
  if (data instanceof FormData || data instanceof Blob || data instanceof ReadableStream)
    return true;
  return typeof data === 'object' && data !== null && 'pipe' in data;
}
