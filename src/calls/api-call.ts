import { KeyshiftError } from '../errors/keyshift-error.ts';
import { assertPlainPath, toOriginForm } from '../klaviyo/api-path.ts';
import { klaviyoEndpoints } from '../klaviyo/endpoints.ts';
import { findOperation, type Operation } from '../klaviyo/operations.ts';
import { readBody, type ApiBody, type ApiBodyInit, type ReadBody } from './api-body.ts';
import { isIdempotent } from '../model/retry-policy.ts';

/** Headers by name, or as pairs; one without a value is left out. */
export type ApiHeadersInit =
  Readonly<Record<string, string | undefined>> | Iterable<readonly [string, string]>;

/** What a call may say besides its path. */
export interface ApiRequestInit {
  /** `GET` by default. */
  readonly method?: string;
  readonly headers?: ApiHeadersInit;
  /** What is held in memory is sent again where that is allowed; a stream is sent once. */
  readonly body?: ApiBodyInit | null;
  /** Ends the wait for the answer, its body and any pause; never a token refresh. */
  readonly signal?: AbortSignal;
  /** Milliseconds for everything: token, windows, attempts, pauses, body. 60,000 by default. */
  readonly deadlineMs?: number;
  /** Overrides what the method says about sending the call twice. */
  readonly idempotent?: boolean;
}

/** A call as it goes to Klaviyo, apart from its credential. */
export interface ApiCall {
  /** With its query. */
  readonly path: string;
  readonly method: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ApiBody | null;
  /** Whether there is still a body to send after one attempt. */
  readonly repeatable: boolean;
  /** Whether sending it twice has the effect of sending it once. */
  readonly idempotent: boolean;
  /** Absent where the operations table does not know the path; then there are no windows to keep. */
  readonly operation: Operation | undefined;
  readonly endsAtMs: number;
  /** The caller's own. */
  readonly signal: AbortSignal | undefined;
}

const defaultDeadlineMs = 60_000;

/**
 * Reads a call as it was asked for.
 *
 * @param target a path, or a URL of Klaviyo's API as its `links` hold them
 * @param apiUrl the origin that calls go to
 * @returns at once, unless the body is a form or a blob
 * @throws KeyshiftError `request_invalid` for any other host, and for what is no call
 */
export function readApiCall(
  target: string | URL,
  init: ApiRequestInit,
  apiUrl: string,
  nowMs: number,
): ApiCall | Promise<ApiCall> {
  const path = readPath(target, apiUrl);
  const endsAtMs = nowMs + readDeadlineMs(init.deadlineMs);
  const method = init.method?.toUpperCase() ?? 'GET';
  const headers = init.headers == null ? noHeaders : readHeaders(init.headers);
  const operation = findOperation(method, withoutQuery(path))?.operation;
  const idempotent = init.idempotent ?? isIdempotent(method);
  const call = { path, method, headers, idempotent, operation, endsAtMs, signal: init.signal };
  if (init.body == null) return { ...call, body: null, repeatable: true };
  const withBody = ({ body, type }: ReadBody): ApiCall => ({
    ...call,
    headers:
      type === undefined || 'content-type' in headers
        ? headers
        : { ...headers, 'content-type': type },
    body,
    repeatable: typeof body === 'string' || body instanceof Uint8Array,
  });
  const read = readBody(init.body);
  return read instanceof Promise ? read.then(withBody) : withBody(read);
}

const noHeaders: Readonly<Record<string, string>> = {};

/** Names in lower case. `host` is dropped: by its name TLS would look for another server. */
function readHeaders(headers: ApiHeadersInit): Record<string, string> {
  const read: Record<string, string> = {};
  const pairs = Symbol.iterator in headers ? headers : Object.entries(headers);
  for (const [name, value] of pairs as Iterable<readonly [string, string | undefined]>) {
    const lower = name.toLowerCase();
    if (value != null && lower !== 'host') read[lower] = value;
  }
  return read;
}

function readDeadlineMs(given: number | undefined): number {
  const deadlineMs = given ?? defaultDeadlineMs;
  if (typeof deadlineMs === 'number' && !Number.isNaN(deadlineMs)) return deadlineMs;
  throw new KeyshiftError('request_invalid', 'deadlineMs is not a number.', {
    fix: 'Give the milliseconds that the call may take, or leave it out for 60,000.',
  });
}

function readPath(target: string | URL, apiUrl: string): string {
  const text = target instanceof URL ? target.href : target;
  if (typeof text !== 'string') {
    throw new KeyshiftError(
      'request_invalid',
      'Give a path such as /api/profiles, or a URL of Klaviyo’s API.',
      {
        fix: 'Pass everything else as the second argument.',
      },
    );
  }
  const path = toOriginForm(text.startsWith('/') ? text : pathOfUrl(text, apiUrl));
  if (path.startsWith('//')) {
    throw new KeyshiftError('request_invalid', 'The path must start with a single slash.', {
      fix: 'Give a path such as /api/profiles, or a URL of Klaviyo’s API.',
    });
  }
  const [sent = ''] = path.split('#', 1);
  assertPlainPath(withoutQuery(sent));
  return unsendable.test(sent) ? toSendable(sent) : sent;
}

/** What a URL never holds as it is (RFC 3986). */
const unsendable = /[ "<>\\^`{|}\u0080-\uffff]/;

/** Encodes as the `fetch` of the web does: filters hold quotes, blanks and names of any script. */
function toSendable(path: string): string {
  return path
    .toWellFormed()
    .replace(/[ "<>\\^`{|}]|[\u0080-\uffff]+/g, (text) => encodeURIComponent(text));
}

function withoutQuery(path: string): string {
  const end = path.indexOf('?');
  return end < 0 ? path : path.slice(0, end);
}

/** A credential goes to Klaviyo alone, so that any other host is refused and not just ignored. */
function pathOfUrl(target: string, apiUrl: string): string {
  const url = URL.parse(target);
  if (url && (url.origin === apiUrl || url.origin === klaviyoEndpoints.apiUrl)) {
    return url.pathname + url.search;
  }
  const what = url
    ? `The host ${url.host} is not Klaviyo’s API`
    : 'Give a path such as /api/profiles, or a URL of Klaviyo’s API';
  throw new KeyshiftError('request_invalid', `${what}.`, {
    fix: `Give a path such as /api/profiles, or a URL at ${apiUrl}.`,
  });
}
