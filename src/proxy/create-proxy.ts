import type { IncomingMessage, ServerResponse } from 'node:http';
import { Writable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { authorizationHeader } from '../client/account-lookup.ts';
import type { Credentials, RoutedCredential } from '../client/credentials.ts';
import { isKeyshiftError, KeyshiftError } from '../errors/keyshift-error.ts';
import type { Clock } from '../runtime/clock.ts';
import { toKeyshiftError } from '../runtime/http-client.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Random } from '../runtime/random.ts';
import type { Store } from '../store/store.ts';
import { identifyTarget, type NamedToken, type ProxyTarget } from './proxy-caller.ts';
import { forwardedReplyHeaders, forwardedRequestHeaders } from './proxy-headers.ts';
import { sendProxyError } from './proxy-error.ts';
import { logFailure } from '../runtime/log-failure.ts';

/** What {@link createProxy} works with. */
export interface ProxyOptions {
  readonly store: Store;
  readonly credentials: Credentials;
  readonly serviceTokens: readonly NamedToken[];
  readonly dispatcher: Dispatcher;
  /** Origin of Klaviyo's API: the only host that is ever called. */
  readonly apiUrl: string;
  readonly revision: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Answers one call of `/api/*`. Never rejects: every failure becomes an answer. */
export type Proxy = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Bodies up to this size are held, so that a call can be repeated after a refreshed token. */
const heldBodyBytes = 256 * 1024;
const keyUsePrecisionMs = 60_000;

/**
 * Creates the key-swap proxy: a call with a known private key, or with a service token, goes on to
 * Klaviyo with the credential of the connection's route, and the answer comes back as a stream.
 *
 * @example
 * ```ts
 * const proxy = createProxy(options);
 * createServer((request, response) => void proxy(request, response));
 * ```
 */
export function createProxy(options: ProxyOptions): Proxy {
  const { store, credentials, clock, random, logger } = options;
  const keyUses = new Map<string, number>();

  async function credentialFor(target: ProxyTarget): Promise<RoutedCredential> {
    if (target.kind === 'account') return credentials.forAccount(target.accountId);
    const credential = await credentials.forConnection(target.connection);
    if (credential.route === 'key') await recordKeyUse(target.connection.id);
    return credential;
  }

  /** Quiet days are counted from the last use, so that a minute's precision is plenty. */
  async function recordKeyUse(connectionId: string): Promise<void> {
    const nowMs = clock.now();
    if (nowMs - (keyUses.get(connectionId) ?? 0) < keyUsePrecisionMs) return;
    keyUses.set(connectionId, nowMs);
    await store.privateKeys.markUsed(connectionId, nowMs);
  }

  return async (request, response) => {
    const requestId = random.id();
    response.setHeader('keyshift-request-id', requestId);
    const abort = new AbortController();
    response.once('close', () => {
      if (!response.writableFinished) abort.abort(new Error('the caller went away'));
    });
    try {
      const path = checkPath(request.url ?? '');
      const target = await identifyTarget(request.headers, store, options.serviceTokens);
      const body = await readBody(request);
      const credential = await credentialFor(target);
      const attempt = { path, body, credential, holdBack401: false, abort };
      if (credential.route === 'key' || body === request) {
        await forward(request, response, attempt);
      } else if (!(await forward(request, response, { ...attempt, holdBack401: true }))) {
        const newer = await credentials.afterUnauthorized(
          credential.accountId,
          credential.generation,
        );
        await forward(request, response, { ...attempt, credential: newer });
      }
    } catch (error) {
      if (abort.signal.aborted) return;
      const failure = toProxyError(error, options.apiUrl);
      logFailure(logger, 'proxied call failed', failure, { requestId });
      sendProxyError(response, failure, requestId);
    }
  };

  interface Attempt {
    readonly path: string;
    readonly body: Buffer | IncomingMessage | null;
    readonly credential: RoutedCredential;
    readonly holdBack401: boolean;
    readonly abort: AbortController;
  }

  /** Sends one attempt; answers false when a 401 was held back and nothing was written. */
  async function forward(
    request: IncomingMessage,
    response: ServerResponse,
    { path, body, credential, holdBack401, abort }: Attempt,
  ): Promise<boolean> {
    let heldBack = false;
    await options.dispatcher.stream(
      {
        origin: options.apiUrl,
        path,
        method: request.method ?? 'GET',
        headers: forwardedRequestHeaders(
          request.headers,
          authorizationHeader(credential.secret),
          options.revision,
        ),
        body,
        signal: abort.signal,
      },
      ({ statusCode, headers }) => {
        if (holdBack401 && statusCode === 401) {
          heldBack = true;
          return new Writable({ write: (_chunk, _encoding, done) => done() });
        }
        response.writeHead(statusCode, {
          ...forwardedReplyHeaders(headers),
          'keyshift-route': credential.route,
        });
        return response;
      },
    );
    return !heldBack;
  }
}

/** The body, held if it is small; else the stream itself, which can be sent once only. */
async function readBody(request: IncomingMessage): Promise<Buffer | IncomingMessage | null> {
  const length = request.headers['content-length'];
  if (length === undefined && request.headers['transfer-encoding'] === undefined) return null;
  if (length === undefined || Number(length) > heldBodyBytes) return request;
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Only plain paths below /api go on: dot segments could climb out of it at the other end. */
function checkPath(url: string): string {
  const path = url.split('?', 1)[0] ?? '';
  const plain = path.startsWith('/api/') && !/(^|\/|%2f)(\.|%2e){1,2}(\/|%2f|$)|\\|%5c/i.test(path);
  if (plain) return url;
  throw new KeyshiftError('request_invalid', 'The path is not a plain path below /api/.');
}

function toProxyError(error: unknown, apiUrl: string): KeyshiftError {
  if (isKeyshiftError(error)) return error;
  if (isTransportError(error)) {
    const failure = toKeyshiftError(error, apiUrl);
    if (isKeyshiftError(failure)) return failure;
  }
  return new KeyshiftError('internal', 'The call could not be forwarded.', { cause: error });
}

function isTransportError(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' && /^(UND_ERR|E[A-Z]+)/.test(code);
}
