import type { IncomingMessage, ServerResponse } from 'node:http';
import { createAsk } from '../calls/ask.ts';
import { ConnectionSource } from '../calls/credential-source.ts';
import type { Credentials } from '../calls/credentials.ts';
import { drive, type OutgoingCall } from '../calls/driver.ts';
import type { RateWindows } from '../calls/rate-windows.ts';
import type { TrafficMeter } from '../calls/traffic-meter.ts';
import type { WriteBehind } from '../calls/write-behind.ts';
import { isKeyshiftError, KeyshiftError } from '../errors/keyshift-error.ts';
import { findOperation } from '../klaviyo/operations.ts';
import { isIdempotent } from '../model/retry-policy.ts';
import { isLive } from '../model/route-policy.ts';
import type { Clock } from '../runtime/clock.ts';
import { createFailureLog } from '../runtime/failure-log.ts';
import type { GuessLimiter } from '../runtime/guess-limiter.ts';
import type { HttpClient } from '../runtime/http-client.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Random } from '../runtime/random.ts';
import type { ReadOrigin } from '../runtime/request-origin.ts';
import type { Store } from '../store/store.ts';
import { AnswerLinks, calledBase } from './answer-links.ts';
import { createCallerDirectory } from './caller-directory.ts';
import { Exchange } from './exchange.ts';
import type { Party } from './fair-queue.ts';
import type { NamedToken, ProxyTarget } from './proxy-caller.ts';
import { sendProxyError } from './proxy-error.ts';
import { createLanes, ProxyGate } from './proxy-gate.ts';
import { forwardedRequestHeaders } from './proxy-headers.ts';
import { checkMethod, checkPath } from './proxy-path.ts';
import { createBodyReader, type TakenBody } from './request-body.ts';
import { createShadow } from './shadow.ts';
import { createStrayKeys } from './stray-keys.ts';
import { passOn, StreamTransport } from './upstream-call.ts';

/** What {@link createProxy} works with. */
export interface ProxyOptions {
  readonly store: Store;
  readonly credentials: Credentials;
  readonly serviceTokens: readonly NamedToken[];
  readonly readOrigin: ReadOrigin;
  readonly guesses: GuessLimiter;
  /** Keeps {@link ProxyOptions.connections} connections to Klaviyo, for the proxy alone. */
  readonly http: HttpClient;
  readonly connections: number;
  /** Origin of Klaviyo's API: the only host that is ever called. */
  readonly apiUrl: string;
  readonly revision: string;
  /** What links begin with for callers who called its host. */
  readonly publicUrl: string;
  /** Whether addresses of Klaviyo's API in answers become the caller's way to Keyshift. */
  readonly rewriteLinks: boolean;
  readonly windows: RateWindows;
  readonly meter: TrafficMeter;
  readonly writeBehind: WriteBehind;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Answers one call of `/api/*`. Never rejects: every failure becomes an answer. */
export type Proxy = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/**
 * Pauses may last so long in all, and so may the waits for a connection and for room. Longer ones are
 * the caller's to make, who has a deadline too.
 */
const patienceMs = 10_000;

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
  const { http, apiUrl, revision, publicUrl, rewriteLinks, clock, random, logger } = options;
  const directory = createCallerDirectory(options);
  const bodies = createBodyReader(clock);
  const strayKeys = createStrayKeys(options);
  const shadow = createShadow({ ...options, ask: createAsk(options) });
  const logFailure = createFailureLog(logger, clock);
  const gates = {
    windows: options.windows,
    lanes: createLanes(options.connections, clock),
    clock,
  };
  const wire = { dispatcher: http.dispatcherOf(apiUrl), apiUrl, clock };

  return async (request, response) => {
    const exchange = new Exchange(request, response, random.id());
    let taken: TakenBody | undefined;
    try {
      const path = checkPath(request.url ?? '');
      const method = checkMethod(request.method ?? 'GET');
      const findTarget = directory.caller(request);
      const target = await findTarget();
      const query = path.indexOf('?');
      const operation = findOperation(method, query < 0 ? path : path.slice(0, query))?.operation;
      noteStrayKey(request, target, operation?.id);
      const party = partyOf(target);
      const { headers } = request;
      taken = await bodies.read(request, party, clock.now() + patienceMs, exchange);
      const { body } = taken;
      const repeatable = body === null || Buffer.isBuffer(body);
      const links = rewriteLinks
        ? new AnswerLinks(apiUrl, calledBase(options.readOrigin(request), request, publicUrl))
        : undefined;
      const call: OutgoingCall = {
        method,
        path,
        headers,
        body,
        operation,
        sentHeaders: forwardedRequestHeaders(headers, revision, links !== undefined),
        repeatable,
        idempotent: isIdempotent(method),
        // A caller may take its time over a body.
        patientUntilMs: clock.now() + patienceMs,
      };
      const copy = shadow.begin(call, target);
      const gate = new ProxyGate(gates, party, !repeatable);
      const answer = await drive(call, {
        source: new ConnectionSource(options, findTarget),
        gate,
        transport: new StreamTransport(wire, exchange, {
          links,
          onChunk: copy?.onChunk,
          onSlowCaller: () => {
            gate.stepAside();
          },
        }),
        waiter: exchange,
        clock,
        random,
      });
      if (answer.held && !exchange.isGone()) {
        await passOn(exchange, answer.head, answer.held, links);
      }
      copy?.finish(answer);
    } catch (error) {
      if (!exchange.isGone()) answerError(exchange, error);
    } finally {
      taken?.release();
    }
  };

  function noteStrayKey(
    request: IncomingMessage,
    target: ProxyTarget,
    operationId: string | undefined,
  ): void {
    if (target.kind !== 'connection' || !target.byKey || !isLive(target.connection)) return;
    strayKeys.see(target.connection.id, request, operationId);
  }

  function answerError(exchange: Exchange, error: unknown): void {
    const failure = isKeyshiftError(error)
      ? error
      : new KeyshiftError('internal', 'The call could not be forwarded.', { cause: error });
    logFailure('proxied call failed', failure, { requestId: exchange.id });
    sendProxyError(exchange.response, failure, exchange);
  }
}

/** Whose share a call has: what is not known to be an account's is the connection's own. */
function partyOf(target: ProxyTarget): Party {
  if (target.kind === 'account') return { account: target.accountId, connection: target.accountId };
  const { id, accountId = id } = target.connection;
  return { account: accountId, connection: id };
}
