import type { Random } from '../../runtime/random.ts';
import type { JsonObject } from '../state/json.ts';
import { refusalOfUnknown } from './unknown-id.ts';

/**
 * What an operation of the API answers, as plain data: made without waiting, and a job can show the
 * error of one of its parts.
 */
export interface ApiReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Klaviyo's media type. */
export const jsonApiType = 'application/vnd.api+json';

/** Marks answers that are the sandbox's own limits, not Klaviyo's behaviour. */
export const sandboxHeader = 'keyshift-sandbox';

/** What an error answer says. */
export interface ApiErrorOptions {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  /**
   * Where in the body or the query the problem is. Klaviyo's validation gives one, with `links` and
   * `meta`; what its framework refuses has neither, and always the pointer `/data/` (recorded).
   */
  readonly source?: { readonly pointer: string } | { readonly parameter: string };
  readonly meta?: JsonObject;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Builds JSON:API error answers in Klaviyo's three families; each gets an id of its own. */
export interface ApiErrors {
  error(options: ApiErrorOptions): ApiReply;
  /** 400 of the validation, for a body or a query that is not as it should be. */
  invalid(detail: string, source?: ApiErrorOptions['source']): ApiReply;
  /** 409 for what exists already. */
  conflict(detail: string, source: NonNullable<ApiErrorOptions['source']>): ApiReply;
  /** 404 for an id the account does not have, in the words Klaviyo has for the type. */
  notFound(type: string, id: string): ApiReply;
  /** 403 of the validation: the plan of the account lacks something. */
  forbidden(detail: string): ApiReply;
  /** 403 of the framework: the credential or the plan does not allow the operation. */
  denied(detail: string): ApiReply;
  /** 429 of the gateway, which says no content type. */
  throttled(retryAfterSec: number): ApiReply;
  /** 501 for what the sandbox lacks: it never imitates. */
  notImplemented(what: string): ApiReply;
}

/** Creates the builder; ids come from `random`. */
export function createApiErrors(random: Random): ApiErrors {
  const reply = (
    status: number,
    members: JsonObject,
    headers: Readonly<Record<string, string>>,
  ): ApiReply => ({
    status,
    headers,
    body: JSON.stringify({ errors: [{ id: random.id(), status, ...members }] }),
  });
  const error = ({ status, code, title, detail, source, meta = {}, headers }: ApiErrorOptions) =>
    reply(
      status,
      source
        ? { code, title, detail, source, links: {}, meta }
        : { code, title, detail, source: { pointer: '/data/' } },
      { 'content-type': jsonApiType, ...headers },
    );
  return {
    error,
    invalid: (detail, source = { pointer: '/data' }) =>
      error({ status: 400, code: 'invalid', title: 'Invalid input.', detail, source }),
    conflict: (detail, source) =>
      error({ status: 409, code: 'conflict', title: 'Conflict.', detail, source }),
    notFound: (type, id) => error(refusalOfUnknown(type, id)),
    forbidden: (detail) =>
      error({
        status: 403,
        code: 'forbidden',
        title: 'Forbidden.',
        detail,
        source: { pointer: '/data' },
      }),
    denied: (detail) =>
      error({
        status: 403,
        code: 'permission_denied',
        title: 'You do not have permission to perform this action.',
        detail,
      }),
    throttled(retryAfterSec) {
      const seconds = `${retryAfterSec} second${retryAfterSec === 1 ? '' : 's'}`;
      const members = {
        code: 'throttled',
        title: 'Request was throttled.',
        detail: `Request was throttled. Expected available in ${seconds}.`,
        source: { pointer: '/data' },
        links: { type: 'https://developers.klaviyo.com/en/docs/rate_limits_and_error_handling' },
        meta: {},
      };
      return reply(429, members, { 'retry-after': String(retryAfterSec) });
    },
    notImplemented: (what) =>
      error({
        status: 501,
        code: 'not_implemented',
        title: 'The sandbox does not implement this.',
        detail: `${what} is not implemented by the Keyshift sandbox. Klaviyo may well have it.`,
        headers: { [sandboxHeader]: 'not-implemented' },
      }),
  };
}
