import { STATUS_CODES } from 'node:http';
import type { KeyshiftError } from '../errors/keyshift-error.ts';
import type { SdkResponse, ShownRequest } from './sdk-types.ts';

/**
 * A call of the SDK that failed, in the form of axios's error, which the SDK's users match on:
 * `isAxiosError(error)` holds, and `error.response` has `status`, `statusText`, `data` and
 * `headers`. `config` is a copy of the request without its credential. `cause` is Keyshift's error
 * where Klaviyo gave no answer.
 *
 * @example
 * ```ts
 * try {
 *   await profiles.createProfile(body);
 * } catch (error) {
 *   if (isAxiosError(error) && error.response?.status === 409) return;
 *   throw error;
 * }
 * ```
 */
export class SdkRequestError extends Error {
  override readonly name = 'AxiosError';
  readonly isAxiosError = true;
  /** Axios's own codes: `ERR_BAD_REQUEST`, `ERR_BAD_RESPONSE`, `ERR_NETWORK`, `ECONNABORTED`. */
  readonly code: string;
  readonly config: ShownRequest;
  readonly response?: SdkResponse;
  readonly status?: number;

  constructor(
    message: string,
    code: string,
    config: ShownRequest,
    more: { readonly response?: SdkResponse; readonly cause?: unknown },
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.config = config;
    if (more.response) {
      this.response = more.response;
      this.status = more.response.status;
    }
  }

  toJSON() {
    const { name, message, code, status, config } = this;
    return { name, message, code, status, config };
  }
}

/** The error that an answer outside of 200 to 299 makes. */
export function toAnswerError(response: SdkResponse, config: ShownRequest): SdkRequestError {
  const code = response.status < 500 ? 'ERR_BAD_REQUEST' : 'ERR_BAD_RESPONSE';
  const message = `Request failed with status code ${response.status}`;
  return new SdkRequestError(message, code, config, { response });
}

/** The error that a good status makes whose body cannot be read. */
export function toUnreadableError(response: SdkResponse, config: ShownRequest): SdkRequestError {
  const message = `Klaviyo answered ${response.status} with a body that is not JSON`;
  return new SdkRequestError(message, 'ERR_BAD_RESPONSE', config, { response });
}

/**
 * The error of a call that got no answer. What was throttled before it was sent looks like
 * Klaviyo's 429; what has nothing to do with the network stays what it is.
 */
export function toCallError(error: KeyshiftError, config: ShownRequest): Error {
  switch (error.code) {
    case 'upstream_throttled':
      return toAnswerError(toThrottledResponse(error, config), config);
    case 'upstream_timeout':
      return new SdkRequestError(error.message, 'ECONNABORTED', config, { cause: error });
    case 'upstream_unreachable':
      return new SdkRequestError(error.message, 'ERR_NETWORK', config, { cause: error });
    case 'upstream_unreadable':
    case 'upstream_unavailable':
      return new SdkRequestError(error.message, 'ERR_BAD_RESPONSE', config, { cause: error });
    default:
      return error;
  }
}

function toThrottledResponse(error: KeyshiftError, config: ShownRequest): SdkResponse {
  const { message: detail, title, retryAfterSec } = error;
  return {
    status: 429,
    statusText: STATUS_CODES[429] ?? '',
    headers: {
      'keyshift-error': error.code,
      ...(retryAfterSec === undefined ? {} : { 'retry-after': String(retryAfterSec) }),
    },
    data: { errors: [{ status: 429, code: 'throttled', title, detail }] },
    config: config as never,
  };
}
