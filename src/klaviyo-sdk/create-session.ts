import { STATUS_CODES } from 'node:http';
import type { ApiResponse } from '../calls/api-response.ts';
import type { ConnectionHandle } from '../client/connections.ts';
import { isKeyshiftError } from '../errors/keyshift-error.ts';
import { toAnswerError, toCallError, toUnreadableError } from './sdk-request-error.ts';
import type { SdkRequest, SdkResponse, SdkSession, ShownRequest } from './sdk-types.ts';
import { toApiCall } from './to-api-call.ts';

/** What {@link createSession} may be told. */
export interface SessionOptions {
  /**
   * A session of the installed SDK, such as `new ApiKeySession('')`: it is asked for the headers
   * that belong to the SDK's version, above all `revision`. Without it, calls are sent with
   * KLAVIYO_REVISION. Its credential is not used.
   */
  readonly headersFrom?: Pick<SdkSession, 'applyToRequest'>;
  /** Milliseconds for one call with all of its attempts; 60,000 by default. */
  readonly deadlineMs?: number;
}

/**
 * Creates a `Session` for Klaviyo's official SDK. Its calls go out through the connection, and so
 * with the credential of the connection's route, one refresh for all callers, Klaviyo's windows
 * kept, and no write sent twice. The SDK's own retries and refreshes are not used, axios neither.
 *
 * The calls reject with {@link SdkRequestError}, which is axios's error to its users, or with
 * KeyshiftError when no call could be made: `grant_lost`, `connection_not_found`, `token_refused`.
 *
 * @example
 * ```ts
 * import { ProfilesApi } from 'klaviyo-api';
 * const profiles = new ProfilesApi(createSession(keyshift.connection({ customerId: 'acme' })));
 * const { body } = await profiles.getProfiles();
 * ```
 */
export function createSession(
  connection: Pick<ConnectionHandle, 'fetch'>,
  options: SessionOptions = {},
): SdkSession {
  const { headersFrom, deadlineMs } = options;
  return {
    async applyToRequest(request) {
      if (!headersFrom) return;
      const own = { headers: {} };
      await headersFrom.applyToRequest(own);
      for (const [name, value] of Object.entries(own.headers)) {
        if (name.toLowerCase() !== 'authorization') setHeader(request, name, value);
      }
    },
    async requestWithRetry(request) {
      const { target, init, shown } = await toApiCall(request);
      const limits = deadlineMs === undefined ? {} : { deadlineMs };
      try {
        const reply = await connection.fetch(target, { ...init, ...limits });
        const response = await toSdkResponse(reply, shown);
        if (reply.ok && isReadable(reply, response)) return response;
        if (reply.ok) throw toUnreadableError(response, shown);
        throw toAnswerError(response, shown);
      } catch (error) {
        throw isKeyshiftError(error) ? toCallError(error, shown) : error;
      }
    },
    // The connection has refreshed and sent again where that was of use.
    refreshAndRetry: () => false,
  };
}

/** The SDK hands its request over to be completed, and sends the same object afterwards. */
function setHeader(request: SdkRequest, name: string, value: unknown): void {
  request.headers ??= {};
  Object.assign(request.headers, { [name]: value });
}

async function toSdkResponse(reply: ApiResponse, shown: ShownRequest): Promise<SdkResponse> {
  return {
    data: parseData(await reply.text()),
    status: reply.status,
    statusText: STATUS_CODES[reply.status] ?? '',
    headers: Object.fromEntries(reply.headers),
    config: shown as never,
  };
}

/**
 * Whether a good answer is what it says. The SDK takes broken JSON and the edge's page for an empty
 * object, and its user takes that for a customer without profiles.
 */
function isReadable({ headers }: ApiResponse, { data }: SdkResponse): boolean {
  const isText = typeof data === 'string' && data.trim() !== '';
  return !isText || !/\bjson\b|^text\/html/i.test(headers.get('content-type') ?? '');
}

/** As axios does: JSON where it is JSON, else the text. */
function parseData(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
