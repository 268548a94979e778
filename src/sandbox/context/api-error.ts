import type { Random } from '../../runtime/random.ts';
import type { JsonObject } from '../state/json.ts';

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
  /** Where in the body or the query the problem is. Default: the whole body. */
  readonly source?: { readonly pointer: string } | { readonly parameter: string };
  readonly meta?: JsonObject;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Builds JSON:API error answers; each gets an id of its own. */
export interface ApiErrors {
  error(options: ApiErrorOptions): ApiReply;
  /** 400 for a body or a query that is not as it should be. */
  invalid(detail: string, source?: ApiErrorOptions['source']): ApiReply;
  /** 404 for an id the account does not have. */
  notFound(type: string, id: string): ApiReply;
  /** 501 for what the sandbox lacks: it never imitates. */
  notImplemented(what: string): ApiReply;
}

/** Creates the builder; ids come from `random`. */
export function createApiErrors(random: Random): ApiErrors {
  const error = (options: ApiErrorOptions): ApiReply => {
    const { status, code, title, detail, source = { pointer: '/data/' }, meta = {} } = options;
    const body = { id: random.id(), status, code, title, detail, source, links: {}, meta };
    return {
      status,
      headers: { 'content-type': jsonApiType, ...options.headers },
      body: JSON.stringify({ errors: [body] }),
    };
  };
  return {
    error,
    invalid: (detail, source) =>
      error({
        status: 400,
        code: 'invalid',
        title: 'Invalid input.',
        detail,
        ...(source === undefined ? {} : { source }),
      }),
    notFound: (type, id) =>
      error({
        status: 404,
        code: 'not_found',
        title: 'Not found.',
        detail: `A ${type} with id ${id} does not exist.`,
      }),
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
