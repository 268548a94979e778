import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Credentials } from '../calls/credentials.ts';
import type { RateWindows } from '../calls/rate-windows.ts';
import { isLive } from '../model/route-policy.ts';
import type { TrafficMeter } from '../calls/traffic-meter.ts';
import type { WriteBehind } from '../calls/write-behind.ts';
import { isKeyshiftError, KeyshiftError } from '../errors/keyshift-error.ts';
import { findOperation } from '../klaviyo/operations.ts';
import type { Clock } from '../runtime/clock.ts';
import { createFailureLog } from '../runtime/failure-log.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Random } from '../runtime/random.ts';
import type { Store } from '../store/store.ts';
import { createCallerDirectory } from './caller-directory.ts';
import { Exchange, type ExchangeCall } from './exchange.ts';
import { createGuessLimiter } from './guess-limiter.ts';
import type { NamedToken, ProxyTarget } from './proxy-caller.ts';
import { sendProxyError } from './proxy-error.ts';
import { checkMethod, checkPath } from './proxy-path.ts';
import { createBodyReader, type RequestBody } from './request-body.ts';
import { createSender } from './sender.ts';
import { createShadow } from './shadow.ts';
import { createSlots } from './slots.ts';
import { createStrayKeys } from './stray-keys.ts';

/** What {@link createProxy} works with. */
export interface ProxyOptions {
  readonly store: Store;
  readonly credentials: Credentials;
  readonly serviceTokens: readonly NamedToken[];
  /** Keeps {@link ProxyOptions.connections} connections to Klaviyo, for the proxy alone. */
  readonly dispatcher: Dispatcher;
  readonly connections: number;
  /** Origin of Klaviyo's API: the only host that is ever called. */
  readonly apiUrl: string;
  readonly revision: string;
  readonly windows: RateWindows;
  readonly meter: TrafficMeter;
  readonly writeBehind: WriteBehind;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Answers one call of `/api/*`. Never rejects: every failure becomes an answer. */
export type Proxy = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Calls that may wait for a connection to Klaviyo. */
const mostWaiting = 10_000;

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
  const { clock, random, logger } = options;
  const directory = createCallerDirectory({ ...options, limiter: createGuessLimiter(clock) });
  const bodies = createBodyReader();
  const strayKeys = createStrayKeys(options);
  const shadow = createShadow(options);
  const logFailure = createFailureLog(logger, clock);
  const send = createSender({
    ...options,
    slots: createSlots(options.connections, mostWaiting),
  });

  return async (request, response) => {
    const exchange = new Exchange(request, response, random.id());
    let body: RequestBody = null;
    try {
      const path = checkPath(request.url ?? '');
      const method = checkMethod(request.method ?? 'GET');
      const arrivedAtMs = clock.now();
      const named = directory.identify(request);
      const target = named instanceof Promise ? await named : named;
      const query = path.indexOf('?');
      const operation = findOperation(method, query < 0 ? path : path.slice(0, query))?.operation;
      noteStrayKey(request, target, operation?.id);
      const reading = bodies.read(request);
      body = reading && (await reading);
      const { headers } = request;
      const call: ExchangeCall = { method, path, headers, body, operation, target, arrivedAtMs };
      const copy = shadow.begin(call);
      const sent = await send(exchange, call, copy?.onChunk);
      copy?.finish(sent);
    } catch (error) {
      if (!exchange.isGone()) answerError(exchange, error);
    } finally {
      bodies.release(body);
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
