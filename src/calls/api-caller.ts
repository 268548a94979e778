import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import { authorizationHeader } from './account-lookup.ts';
import { readApiCall, type ApiCall, type ApiRequestInit } from './api-call.ts';
import { ApiResponse } from './api-response.ts';
import { startExchange } from './api-exchange.ts';
import { CallStop, type Limits } from './call-stop.ts';
import { isRefused, isUnauthorized, toAnswered, toFailed, type Attempt } from './attempt.ts';
import type { RoutedCredential } from './credentials.ts';
import type { RateWindows } from './rate-windows.ts';
import {
  longestRetryAfterSec,
  mayRetry,
  retryPauseMs,
  type AttemptResult,
} from '../model/retry-policy.ts';
import { createWindowGate, readRetryAfter } from './window-gate.ts';

/** Gives a credential, and a better one after a 401. */
export interface CredentialSource {
  /** At once where nothing has to be read. */
  current(
    signal: AbortSignal | undefined,
    call: ApiCall,
  ): RoutedCredential | Promise<RoutedCredential>;
  /** Answers `undefined` when a 401 has to stand: a key has no successor. */
  afterUnauthorized(
    refused: RoutedCredential,
    signal: AbortSignal | undefined,
    call: ApiCall,
  ): Promise<RoutedCredential | undefined>;
  /** After a 401 or 403 that no newer token cures: the key, where the call may go out by it. */
  afterRefused?(call: ApiCall, reason: string): Promise<RoutedCredential | undefined>;
  /** Learns what came of each attempt. */
  record?(credential: RoutedCredential, call: ApiCall, result: AttemptResult, tookMs: number): void;
}

/** What {@link createApiCaller} works with. */
export interface ApiCallerOptions {
  readonly dispatcher: Dispatcher;
  /** Origin of Klaviyo's API: the only host that is called. */
  readonly apiUrl: string;
  /** Sent when a call sets no `revision`. */
  readonly revision: string;
  readonly windows: RateWindows;
  readonly clock: Clock;
  readonly random: Random;
  /** Attempts in all, the one after a 401 not counted; 4 by default. */
  readonly attempts?: number;
}

/** Sends calls to Klaviyo with credentials that are picked at the last moment. */
export type ApiCaller = (
  source: CredentialSource,
  target: string | URL,
  init?: ApiRequestInit,
) => Promise<ApiResponse>;

/** The edge takes a caller without a name for a robot. */
const userAgent = 'keyshift';
const defaultAttempts = 4;
const noInit: ApiRequestInit = {};

/**
 * Creates the caller. It keeps to Klaviyo's windows, refreshes once on 401, waits as long as
 * `Retry-After` says, and repeats only what may be repeated. A stream is never sent twice.
 *
 * @throws KeyshiftError from the caller it creates: `request_invalid` before anything is sent,
 * `upstream_*` when no answer came, `upstream_throttled` when the windows are full for longer
 * than the deadline
 */
export function createApiCaller(options: ApiCallerOptions): ApiCaller {
  const { dispatcher, apiUrl, revision, clock, random } = options;
  const gate = createWindowGate(options.windows, clock);
  const attempts = options.attempts ?? defaultAttempts;

  // One function, not one for each concern: every further promise costs a part of the call.
  return async (source, target, init = noInit) => {
    const nowMs = clock.now();
    const read = readApiCall(target, init, apiUrl, nowMs);
    const call = read instanceof Promise ? await read : read;
    const limits = new CallLimits(call, nowMs, clock);
    const stop = new CallStop(limits);
    try {
      const found = source.current(call.signal, call);
      let credential = found instanceof Promise ? await stop.race(found) : found;
      let renewed = false;
      let settled = false;
      for (let failures = 0; ;) {
        const turn = gate.pass(call, credential, stop);
        if (turn) {
          await turn;
          // The route may have changed while the call waited.
          if (!settled) credential = await repick(source, call, stop);
        }
        const sentAtMs = clock.now();
        if (sentAtMs >= call.endsAtMs) throw limits.onTimeout();
        const attempt = await send(call, credential, stop, limits);
        const tookMs = clock.now() - sentAtMs;
        const { reply } = attempt;
        if (reply) gate.learn(call, credential, reply);
        if (isUnauthorized(attempt) && !renewed) {
          renewed = true;
          let next: RoutedCredential | undefined;
          try {
            next = await renew(source, call, stop, credential, attempt.reply);
          } finally {
            // A token that ended early and has a successor is no refusal of the grant.
            if (next?.route !== 'oauth') source.record?.(credential, call, attempt.result, tookMs);
          }
          if (!next) return attempt.reply;
          settled = true;
          credential = next;
          continue;
        }
        source.record?.(credential, call, attempt.result, tookMs);
        if (reply?.ok) return reply;
        const key = await fallBack(source, call, stop, credential, attempt);
        if (key) {
          settled = true;
          credential = key;
          continue;
        }
        failures += 1;
        const pauseMs = pauseAfter(call, attempt, failures, { attempts, clock, random });
        if (pauseMs === undefined) {
          if (reply) return reply;
          throw attempt.error;
        }
        await reply?.dump(stop.signal);
        await clock.sleep(pauseMs, stop.signal);
        if (!settled) credential = await repick(source, call, stop);
      }
    } finally {
      stop.end();
    }
  };

  function send(
    call: ApiCall,
    credential: RoutedCredential,
    stop: CallStop,
    limits: CallLimits,
  ): Promise<Attempt> {
    stop.throwIfAborted();
    const request = {
      origin: apiUrl,
      path: call.path,
      method: call.method,
      headers: headersOf(call, revision, credential),
      body: call.body,
    };
    return startExchange(dispatcher, request, stop).then(
      (exchange) => {
        exchange.guard(limits);
        return toAnswered(new ApiResponse(exchange, credential.route, limits));
      },
      (error: unknown) => {
        // Whoever fills the stream learns that nobody reads it.
        if (call.body instanceof Readable) call.body.on('error', () => undefined).destroy();
        stop.throwIfAborted();
        return toFailed(error, apiUrl + call.path);
      },
    );
  }
}

/** What a call may take, for its attempts and for the reading of its answer. */
class CallLimits implements Limits {
  readonly #call: ApiCall;
  readonly #startedAtMs: number;
  readonly #clock: Clock;

  constructor(call: ApiCall, startedAtMs: number, clock: Clock) {
    this.#call = call;
    this.#startedAtMs = startedAtMs;
    this.#clock = clock;
  }

  get leftMs(): number {
    return this.#call.endsAtMs - this.#clock.now();
  }

  get signal(): AbortSignal | undefined {
    return this.#call.signal;
  }

  readonly onTimeout = (): Error => {
    const { path, endsAtMs } = this.#call;
    return new KeyshiftError(
      'upstream_timeout',
      `${path.split('?', 1)[0]} gave no whole answer within ${endsAtMs - this.#startedAtMs} ms.`,
    );
  };
}

const mediaType = 'application/vnd.api+json';

/** Ours, then the call's own, then the credential, which no call may replace. */
function headersOf(
  { headers, body }: ApiCall,
  revision: string,
  { secret }: RoutedCredential,
): Record<string, string> {
  const all: Record<string, string> = {
    accept: mediaType,
    'user-agent': userAgent,
    revision,
    authorization: '',
  };
  if (body !== null) all['content-type'] = mediaType;
  for (const name in headers) all[name] = headers[name] ?? '';
  all['authorization'] = authorizationHeader(secret);
  return all;
}

/** The credential of now, after a wait in which the route may have changed. */
async function repick(
  source: CredentialSource,
  call: ApiCall,
  stop: CallStop,
): Promise<RoutedCredential> {
  const found = source.current(call.signal, call);
  return found instanceof Promise ? stop.race(found) : found;
}

/** Milliseconds before the next attempt; undefined when there is to be none. */
function pauseAfter(
  call: ApiCall,
  attempt: Attempt,
  failures: number,
  { attempts, clock, random }: Pick<ApiCallerOptions, 'clock' | 'random'> & { attempts: number },
): number | undefined {
  if (failures >= attempts || !call.repeatable) return undefined;
  if (!mayRetry(attempt.result, call.idempotent)) return undefined;
  const retryAfterSec = attempt.reply && readRetryAfter(attempt.reply, clock);
  if ((retryAfterSec ?? 0) > longestRetryAfterSec) return undefined;
  const pauseMs = retryPauseMs(failures, retryAfterSec, random);
  return clock.now() + pauseMs > call.endsAtMs ? undefined : pauseMs;
}

/** The credential to try once more with, unless the answer has to stand. */
async function renew(
  source: CredentialSource,
  call: ApiCall,
  stop: CallStop,
  refused: RoutedCredential,
  reply: ApiResponse,
): Promise<RoutedCredential | undefined> {
  try {
    const next = await stop.race(source.afterUnauthorized(refused, call.signal, call));
    if (!next || !call.repeatable) return undefined;
    await reply.dump(stop.signal);
    return next;
  } catch (error) {
    await reply.dump();
    throw error;
  }
}

/** The key to try with after Klaviyo refused the grant, unless the answer has to stand. */
async function fallBack(
  source: CredentialSource,
  call: ApiCall,
  stop: CallStop,
  { route }: RoutedCredential,
  attempt: Attempt,
): Promise<RoutedCredential | undefined> {
  if (route !== 'oauth' || !call.repeatable || !source.afterRefused || !isRefused(attempt)) {
    return undefined;
  }
  const { status } = attempt.reply;
  const key = await stop.race(source.afterRefused(call, `${status}`));
  if (key) await attempt.reply.dump(stop.signal);
  return key;
}
