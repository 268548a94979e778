import type { Readable } from 'node:stream';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import { klaviyoEndpoints } from '../klaviyo/endpoints.ts';
import { findOperation, type Operation } from '../klaviyo/operations.ts';
import { isIdempotent } from './retry-policy.ts';

/** A body that can be sent again, or a stream, which cannot. */
export type ApiBody = string | Uint8Array | Readable;

/** What a call may say besides its path. */
export interface ApiRequestInit {
  /** `GET` by default. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: ApiBody | null;
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
 * @throws KeyshiftError `request_invalid` for any other host
 */
export function readApiCall(
  target: string,
  init: ApiRequestInit,
  apiUrl: string,
  nowMs: number,
): ApiCall {
  const path = target.startsWith('/') ? target : pathOfUrl(target, apiUrl);
  if (path.startsWith('//')) {
    throw new KeyshiftError('request_invalid', 'The path must begin with one slash.', {
      fix: 'Give a path as "/api/profiles", or a URL of Klaviyo’s API.',
    });
  }
  const method = init.method?.toUpperCase() ?? 'GET';
  const body = init.body ?? null;
  return {
    path,
    method,
    headers: init.headers === undefined ? noHeaders : toLowerCaseNames(init.headers),
    body,
    repeatable: body === null || typeof body === 'string' || body instanceof Uint8Array,
    idempotent: init.idempotent ?? isIdempotent(method),
    operation: findOperation(method, withoutQuery(path))?.operation,
    endsAtMs: nowMs + (init.deadlineMs ?? defaultDeadlineMs),
    signal: init.signal,
  };
}

const noHeaders: Readonly<Record<string, string>> = {};

function toLowerCaseNames(headers: Readonly<Record<string, string>>): Record<string, string> {
  const lower: Record<string, string> = {};
  for (const name of Object.keys(headers)) lower[name.toLowerCase()] = headers[name] ?? '';
  return lower;
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
  const what = url ? `The host ${url.host} is not Klaviyo’s API` : 'That is neither path nor URL';
  throw new KeyshiftError('request_invalid', `${what}.`, {
    fix: `Give a path as "/api/profiles", or a URL at ${apiUrl}.`,
  });
}
