import type { Dispatcher } from 'undici';
import { KeyshiftError } from '../errors/keyshift-error.ts';
import { isFromEdge } from '../model/call-policy.ts';
import { abortable } from '../runtime/abortable.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import { readApiCall, type ApiCall, type ApiRequestInit } from './api-call.ts';
import { ApiResponse } from './api-response.ts';
import {
  drive,
  failedBy,
  type CredentialSource,
  type Outcome,
  type SentRequest,
  type Transport,
  type Waiter,
} from './driver.ts';
import type { RateWindows } from './rate-windows.ts';
import { createWindowGate } from './window-gate.ts';

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
}

/** Sends calls to Klaviyo with credentials that are picked at the last moment. */
export type ApiCaller = (
  source: CredentialSource,
  target: string | URL,
  init?: ApiRequestInit,
) => Promise<ApiResponse>;

/** The edge takes a caller without a name for a robot. */
const userAgent = 'keyshift';
const mediaType = 'application/vnd.api+json';

/**
 * Creates the caller: the library's face of {@link drive}. It keeps to Klaviyo's windows and hands
 * an answer over with its head, its body to be read.
 *
 * @throws KeyshiftError from the caller it creates: `request_invalid` before anything is sent,
 * `upstream_*` when no answer came, `upstream_throttled` when the windows are full for longer
 * than the deadline
 */
export function createApiCaller(options: ApiCallerOptions): ApiCaller {
  const { dispatcher, apiUrl, revision, clock, random } = options;
  const gate = createWindowGate(options.windows, clock);

  return async (source, target, init = {}) => {
    const startedAtMs = clock.now();
    const call = await readApiCall(target, init, apiUrl, startedAtMs);
    const deadline = new CallDeadline(call, startedAtMs, clock);
    try {
      const response = await drive(
        {
          ...call,
          sentHeaders: headersOf(call, revision),
          patientUntilMs: call.endsAtMs,
        },
        {
          source,
          gate,
          transport: new RequestTransport(dispatcher, apiUrl, deadline, clock),
          waiter: deadline,
          clock,
          random,
        },
      );
      response.onceRead(() => {
        deadline.end();
      });
      return response;
    } catch (error) {
      deadline.end();
      throw error;
    }
  };
}

/** Ours, then the call's own. */
function headersOf({ headers, body }: ApiCall, revision: string): string[] {
  const all: Record<string, string> = { accept: mediaType, 'user-agent': userAgent, revision };
  if (body !== null) all['content-type'] = mediaType;
  Object.assign(all, headers);
  delete all['authorization'];
  return Object.entries(all).flat();
}

/** Sends by undici's `request`, which gives an answer out with its head. */
class RequestTransport implements Transport<ApiResponse> {
  readonly #dispatcher: Dispatcher;
  readonly #apiUrl: string;
  readonly #deadline: CallDeadline;
  readonly #clock: Clock;

  constructor(dispatcher: Dispatcher, apiUrl: string, deadline: CallDeadline, clock: Clock) {
    this.#dispatcher = dispatcher;
    this.#apiUrl = apiUrl;
    this.#deadline = deadline;
    this.#clock = clock;
  }

  async send({ credential, ...request }: SentRequest): Promise<Outcome<ApiResponse>> {
    const { signal } = this.#deadline;
    const sentAtMs = this.#clock.now();
    try {
      const reply = await this.#dispatcher.request({ origin: this.#apiUrl, ...request, signal });
      const { statusCode: status, headers } = reply;
      const mitigated = headers['cf-mitigated'] !== undefined;
      const edge = isFromEdge(status, headers['content-type']?.toString(), mitigated);
      const tookMs = this.#clock.now() - sentAtMs;
      const answer = new ApiResponse(reply, credential.route, signal);
      return { kind: 'answered', head: { status, headers, edge, tookMs }, answer };
    } catch (cause) {
      const url = this.#apiUrl + request.path;
      return failedBy(cause as Error, url, this.#clock.now() - sentAtMs);
    }
  }

  readText(answer: ApiResponse): Promise<string | undefined> {
    return answer.readStart();
  }

  letGo(answer: ApiResponse): Promise<void> {
    return answer.dump(this.#deadline.signal);
  }
}

/** What a call may take, for its attempts and for the reading of its answer. */
class CallDeadline implements Waiter {
  readonly #call: ApiCall;
  readonly #startedAtMs: number;
  readonly #clock: Clock;
  readonly #controller = new AbortController();
  readonly #timer: Timer;

  constructor(call: ApiCall, startedAtMs: number, clock: Clock) {
    this.#call = call;
    this.#startedAtMs = startedAtMs;
    this.#clock = clock;
    call.signal?.throwIfAborted();
    call.signal?.addEventListener('abort', this.#onAbort, { once: true });
    this.#timer = clock.timer(call.endsAtMs - startedAtMs, () => {
      this.#controller.abort(this.#timeout());
    });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  throwIfGone(): void {
    this.signal.throwIfAborted();
    if (this.#clock.now() >= this.#call.endsAtMs) throw this.#timeout();
  }

  within<Result>(work: Promise<Result>): Promise<Result> {
    return abortable(work, this.signal);
  }

  /** Leaves nothing behind: no timer, no listener. */
  end(): void {
    this.#timer.cancel();
    this.#call.signal?.removeEventListener('abort', this.#onAbort);
  }

  readonly #onAbort = () => {
    this.#controller.abort(this.#call.signal?.reason);
  };

  #timeout(): Error {
    const { path, endsAtMs } = this.#call;
    return new KeyshiftError(
      'upstream_timeout',
      `${path.split('?', 1)[0]} gave no whole answer within ${endsAtMs - this.#startedAtMs} ms.`,
    );
  }
}
